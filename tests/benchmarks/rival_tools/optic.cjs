// Reads [[old file, new file], ...] on standard input; writes a list of {levels, ms}.
// What `optic diff --check` does with its own packages and its default ruleset, without
// the command around them, which loads its telemetry.
const { readFileSync } = require("node:fs");
const { createRequire } = require("node:module");

const installed = createRequire(process.cwd() + "/");
const io = installed("@useoptic/openapi-io");
const { compareSpecs, groupDiffsByEndpoint, Severity } = installed("@useoptic/openapi-utilities");
const grouping = installed("@useoptic/openapi-utilities/build/openapi3/group-diff");
const { RuleRunner } = installed("@useoptic/rulesets-base");
const ruleset = "@useoptic/standard-rulesets/build/breaking-changes";
const { BreakingChangesRuleset } = installed(ruleset);

async function load(path) {
  const parsed = await io.parseOpenAPIWithSourcemap(path);
  const version = io.checkOpenAPIVersion(parsed.jsonLike);
  io.validateOpenApiV3Document(parsed.jsonLike, parsed.sourcemap, { strictOpenAPI: true });
  return { ...io.denormalize(parsed, version, []), version, isEmptySpec: false };
}

(async () => {
  const verdicts = [];
  for (const [before, after] of JSON.parse(readFileSync(0, "utf8"))) {
    const start = performance.now();
    const rules = await BreakingChangesRuleset.fromOpticConfig({});
    const [old, next] = [await load(before), await load(after)];
    const { diffs, results } = await compareSpecs(old, next, new RuleRunner([rules]), {});
    const sides = { from: old.jsonLike, to: next.jsonLike };
    const { endpoints, specification } = groupDiffsByEndpoint(sides, diffs, results);
    const ms = performance.now() - start;
    // What the command shows: changes of operations and of the whole, not of unused parts.
    const shown = Object.values(endpoints).flatMap(grouping.getEndpointDiffs);
    const failed = results.filter((result) => !result.passed && !result.exempted);
    const levels = [...shown, ...specification.diffs].map(() => "changelog");
    levels.push(...failed.map((result) => Severity[result.severity]));
    verdicts.push({ levels, ms });
  }
  console.log(JSON.stringify(verdicts));
})();
