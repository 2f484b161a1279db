# Worker, simulator and every other command of halfspace. No native build: all binaries come prebuilt from npm.
FROM node:22-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
# `prepare` would compile before the sources are there.
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run build && npm prune --omit=dev --ignore-scripts

FROM node:22-slim
# Certificates for Temporal's native client, which does not use those inside Node.
RUN apt-get update \
  && apt-get install --yes --no-install-recommends ca-certificates \
  && rm -rf /var/lib/apt/lists/* \
  && mkdir --parents /var/lib/halfspace \
  && chown node:node /var/lib/halfspace
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY bin ./bin
COPY package.json halfspace.yaml halfspace.schema.json LICENSE ./
USER node
VOLUME /var/lib/halfspace
ENTRYPOINT ["node", "/app/bin/halfspace.js"]
CMD ["worker"]
