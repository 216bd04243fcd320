# counterfoil as an image: the program alone, for servers of yours (DATABASE_URL, NATS_URL, COUNTERFOIL_KEYS_FILE).

FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    cargo build --release --locked -p counterfoil && cp target/release/counterfoil /counterfoil

FROM debian:bookworm-slim
# Certificates, for a PostgreSQL or NATS behind TLS.
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin counterfoil \
    && install -d -m 0700 -o counterfoil -g counterfoil /keys /data
COPY --from=build /counterfoil /usr/local/bin/counterfoil
COPY LICENSE /usr/share/doc/counterfoil/LICENSE
COPY api/assets/redoc/LICENSE.txt /usr/share/doc/counterfoil/LICENSE-redoc.txt
USER counterfoil
# Nothing but mails, while there is no COUNTERFOIL_SMTP_URL.
ENV COUNTERFOIL_LISTEN=0.0.0.0:8080 COUNTERFOIL_DATA_DIR=/data
EXPOSE 8080
ENTRYPOINT ["counterfoil"]
CMD ["serve"]
