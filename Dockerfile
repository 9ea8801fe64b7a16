# One pattern for every service: docker build --build-arg SERVICE=core --target prod .
#   prod  the service alone: node and what it is linked to, no shell, no package manager, user 10001, read-only root
#   dev   all dependencies, restarted when a file changes
# SERVICE   the app that is started; its port is in apps/<service>/manifest.ts
# IN_PROCESS  apps that MCP_IN_PROCESS may name beside it, separated by spaces
# WEIGHTS   image with the weights of embedded models, which the service's is built upon (npm run images); else none
# BASE      where node and npm come from, best with a digest: node:22-bookworm-slim@sha256:…
ARG BASE=docker.io/library/node:22-bookworm-slim
ARG WEIGHTS=scratch

FROM ${BASE} AS base
WORKDIR /app
ENV NODE_ENV=production ONNXRUNTIME_NODE_INSTALL=skip NODE_LLAMA_CPP_SKIP_DOWNLOAD=true

# Only what npm reads: the layers of the dependencies stay as long as these files do.
FROM base AS manifests
COPY . /all
RUN cd /all && find . -name package.json -exec install -D -m 644 {} /manifests/{} \; \
  && cp -r package-lock.json .npmrc /manifests/ && cp -r tools/bin /manifests/tools/

# Restarted when a file that it imports changes: mount apps/<service> and packages over the copies.
FROM base AS dev
ENV NODE_ENV=development
COPY --from=manifests /manifests ./
RUN npm ci --ignore-scripts --no-audit --no-fund && npm cache clean --force
COPY . .
RUN cd apps/console && npx vite build && mkdir /data /models && chown 10001:10001 /data /models
ARG SERVICE=gateway
ENV SERVICE=${SERVICE}
USER 10001:10001
ENTRYPOINT ["/bin/sh", "-c", "exec node --disable-warning=ExperimentalWarning --watch --watch-preserve-output apps/${SERVICE}/src/main.ts"]

FROM base AS dependencies
ARG SERVICE=gateway
ARG IN_PROCESS=""
COPY --from=manifests /manifests ./
# Native modules bring binaries for every platform, the source of llama.cpp and a compiler for their command line.
# Models run in the model-gateway; the gateway asks servers elsewhere and needs none of that.
RUN for app in ${SERVICE} ${IN_PROCESS}; do set -- "$@" --workspace "apps/${app}"; done \
  && npm ci --ignore-scripts --omit=dev --no-audit --no-fund --include-workspace-root=false "$@" \
  && arch="$(node -p process.arch)" \
  && find node_modules -depth -type f \( -name '*.map' -o -name '*.md' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete \
  && find node_modules -path '*/onnxruntime-node/bin/*' -type f -not -path "*/linux/${arch}/*" -delete \
  && find node_modules -mindepth 2 -maxdepth 2 -path '*/@node-llama-cpp/*' -not -name "linux-${arch}" -exec rm -rf {} + \
  && rm -rf node_modules/typescript node_modules/node-llama-cpp/llama/gitRelease.bundle \
  && case " ${SERVICE} ${IN_PROCESS} " in *" model-gateway "*) ;; \
    *) rm -rf node_modules/node-llama-cpp node_modules/@node-llama-cpp node_modules/onnxruntime-* ;; \
  esac

# The console; other services than the gateway have an empty one.
FROM base AS console
ARG SERVICE=gateway
ARG IN_PROCESS=""
ENV NODE_ENV=development
COPY --from=manifests /manifests ./
COPY tsconfig.json ./
COPY packages packages
COPY apps/console apps/console
RUN mkdir -p apps/console/dist \
  && case " ${SERVICE} ${IN_PROCESS} " in *" gateway "*) \
    npm ci --ignore-scripts --no-audit --no-fund --workspace apps/console && cd apps/console && npx vite build ;; \
  esac

# Files of our own: the apps, the packages they import, and the console.
FROM dependencies AS source
ARG SERVICE=gateway
ARG IN_PROCESS=""
COPY . /all
COPY --from=console /app/apps/console/dist /console
RUN mkdir -p /source/apps /source/packages && cd /all && cp package.json /source/ \
  && for app in ${SERVICE} ${IN_PROCESS}; do cp -r "apps/${app}" /source/apps/; done \
  && for link in /app/node_modules/@mcp/*; do case "$(readlink "$link")" in ../../packages/*) cp -r "packages/${link##*/}" /source/packages/ ;; esac; done \
  && case " ${SERVICE} ${IN_PROCESS} " in *" gateway "*) cp -r /console /source/console ;; esac \
  && case " ${SERVICE} ${IN_PROCESS} " in *" governance "*) cp package-lock.json /source/ ;; esac \
  && ln -s "apps/${SERVICE}/src/main.ts" /source/main.ts

# What node and the native modules are linked to, and nothing else of a distribution.
FROM dependencies AS runtime
RUN mkdir -p /runtime/tmp /runtime/etc /runtime/app && chmod 1777 /runtime/tmp \
  && echo 'mcp:x:10001:10001::/app:/sbin/nologin' > /runtime/etc/passwd \
  && { echo /usr/local/bin/node; find /app/node_modules -name '*.node' -o -name '*.so' -o -name '*.so.*'; } \
    | xargs -r -n 1 ldd 2>/dev/null | grep -o '/[^ ]*' | grep -v '^/app/' | tr -d ':' | sort -u \
    | while read -r library; do [ ! -f "$library" ] || cp -L --parents "$library" /runtime; done \
  && cp --parents /usr/local/bin/node /runtime

# The weights lie below everything that changes with a version: a node fetches and unpacks them once.
FROM ${WEIGHTS} AS prod
ARG SERVICE=gateway
LABEL org.opencontainers.image.title="Multi-Component Platform: ${SERVICE}" \
  org.opencontainers.image.licenses="Apache-2.0"
COPY --from=runtime /runtime /
WORKDIR /app
ENV NODE_ENV=production PATH=/usr/local/bin
COPY --from=dependencies /app/node_modules node_modules
COPY --from=source /source ./
USER 10001:10001
ENTRYPOINT ["node", "--disable-warning=ExperimentalWarning", "main.ts"]
