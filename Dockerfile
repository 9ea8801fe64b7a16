# One pattern for every service: docker build --build-arg SERVICE=core --target prod .
#   prod  the service alone: node and what it is linked to, no shell, no development dependencies, user 10001, read-only root
#   dev   everything, restarted when a file changes
ARG BASE=docker.io/library/node:22-bookworm-slim

FROM ${BASE} AS base
WORKDIR /app
ENV NODE_ENV=production ONNXRUNTIME_NODE_INSTALL=skip NODE_LLAMA_CPP_SKIP_DOWNLOAD=true

FROM base AS manifests
COPY . /all
# Only what npm reads: the layer of the dependencies stays as long as these do.
RUN cd /all && find . -name package.json -not -path '*/node_modules/*' | xargs -I{} install -D -m 644 {} /manifests/{} \
  && cp package-lock.json .npmrc /manifests/ && mkdir -p /manifests/tools/bin && cp tools/bin/mcp.mjs /manifests/tools/bin/

FROM base AS dependencies
ARG SERVICE
COPY --from=manifests /manifests ./
RUN npm ci --ignore-scripts --omit=dev --no-audit --no-fund --workspace "apps/${SERVICE}" --include-workspace-root=false \
  && find node_modules -depth \( -name '*.map' -o -name '*.md' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -type f -delete

FROM base AS console
ENV NODE_ENV=development
COPY --from=manifests /manifests ./
RUN npm ci --ignore-scripts --no-audit --no-fund --workspace apps/console
COPY tsconfig.json ./
COPY packages packages
COPY apps/console apps/console
RUN cd apps/console && npx vite build

# The service's own files: its app, the packages, and for the gateway the built console.
FROM base AS source
ARG SERVICE
COPY package.json ./
COPY packages packages
COPY apps/${SERVICE} apps/${SERVICE}
COPY --from=console /app/apps/console/dist /console
RUN echo "import './apps/${SERVICE}/src/main.ts';" > main.mjs \
  && if [ "${SERVICE}" = gateway ]; then mkdir -p apps/console && mv /console apps/console/dist; fi

# What node and the native modules are linked to, and nothing else: no shell, no package manager.
FROM dependencies AS runtime
RUN mkdir -p /runtime/tmp /runtime/etc /runtime/app && chmod 1777 /runtime/tmp \
  && echo 'mcp:x:10001:10001::/app:/sbin/nologin' > /runtime/etc/passwd \
  && { echo /usr/local/bin/node; find /app/node_modules -name '*.node' -o -name '*.so' -o -name '*.so.*'; } \
    | xargs -r -n 1 ldd 2>/dev/null | grep -o '/[^ ]*' | grep -v '^/app/' | tr -d ':' | sort -u \
    | while read -r library; do [ ! -f "$library" ] || cp -L --parents "$library" /runtime; done \
  && cp --parents /usr/local/bin/node /runtime

FROM scratch AS prod
ARG SERVICE
LABEL org.opencontainers.image.title="Multi-Component Platform: ${SERVICE}" \
  org.opencontainers.image.licenses="Apache-2.0"
COPY --from=runtime /runtime /
WORKDIR /app
ENV NODE_ENV=production PATH=/usr/local/bin
COPY --from=dependencies /app/node_modules node_modules
COPY --from=source /app ./
USER 10001:10001
ENTRYPOINT ["node", "--disable-warning=ExperimentalWarning", "main.mjs"]

FROM base AS dev
ARG SERVICE
ENV NODE_ENV=development SERVICE=${SERVICE}
COPY --from=manifests /manifests ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN cd apps/console && npx vite build
USER 10001:10001
ENTRYPOINT ["/bin/sh", "-c", "exec node --disable-warning=ExperimentalWarning --watch --watch-path=apps --watch-path=packages apps/${SERVICE}/src/main.ts"]
