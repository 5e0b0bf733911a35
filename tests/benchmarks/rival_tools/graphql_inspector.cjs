// Reads [[old file, new file], ...] on standard input; writes a list of {levels, ms}.
const { readFileSync } = require("node:fs");
const { createRequire } = require("node:module");

const installed = createRequire(process.cwd() + "/");
const { buildSchema } = installed("graphql");
const { diff } = installed("@graphql-inspector/core");

(async () => {
  const verdicts = [];
  for (const [before, after] of JSON.parse(readFileSync(0, "utf8"))) {
    const start = performance.now();
    const old = buildSchema(readFileSync(before, "utf8"));
    const changes = await diff(old, buildSchema(readFileSync(after, "utf8")));
    const ms = performance.now() - start;
    verdicts.push({ levels: changes.map((change) => change.criticality.level), ms });
  }
  console.log(JSON.stringify(verdicts));
})();
