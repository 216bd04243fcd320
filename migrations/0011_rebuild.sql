-- Where the next generation of a read model is built, beside the live one in `public`.
create schema rebuild;
