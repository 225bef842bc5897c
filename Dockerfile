# The operator's static binary in an empty image: `make image`. The build downloads only Go modules.
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
ARG TARGETOS
ARG TARGETARCH
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -ldflags '-s -w' -o /dbscaler .

FROM scratch
# The CA certificates, for TLS connections to AWS.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /dbscaler /dbscaler
USER 65532:65532
ENTRYPOINT ["/dbscaler"]
