-- Versions of presets under a name go on where they were left: what was folded without that is folded again.

truncate settings, settings_history, settings_defaults;
update projection_checkpoints set version = 2, position = 0 where name = 'settings';
