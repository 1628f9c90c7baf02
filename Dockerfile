# For those who build with Docker: the same files that `./run image` puts into its archive.
#
#   docker build --tag localhost/ambient-cni:0.1.0 .
FROM debian:12 AS build
WORKDIR /src
COPY tests/ci/install-deps tests/ci/packages.txt tests/ci/
RUN tests/ci/install-deps --build
COPY . .
RUN ./run build
RUN image/build --build build/release --root /image

FROM scratch
COPY --from=build /image/ /
USER 0:0
ENTRYPOINT ["/usr/local/bin/ambient-node-agent"]
