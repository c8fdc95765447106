// What `node --check` does not see: names that are declared nowhere, imports that are not used, and
// exported functions whose types are not told.  `node --expose-internals lint.mjs FILE ...` prints
// each problem; node brings the parser along.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { runInNewContext } from "node:vm";

const require = createRequire(import.meta.url);
const { parse } = require("internal/deps/acorn/acorn/dist/acorn");
const { ancestor, full } = require("internal/deps/acorn/acorn-walk/dist/walk");

const BROWSER = [
  ...["document", "window", "innerHeight", "sessionStorage", "performance", "console"],
  ...["getComputedStyle", "matchMedia", "requestAnimationFrame", "setTimeout", "clearTimeout"],
  ...["AbortController", "CustomEvent", "WheelEvent", "MutationObserver", "ResizeObserver", "CSS", "CSSStyleSheet"],
  ...["Blob", "DecompressionStream", "Response", "atob", "DOMRect", "OffscreenCanvas", "Option"],
];
const LANGUAGE = runInNewContext("Object.getOwnPropertyNames(globalThis)");
const GLOBALS = new Set([...BROWSER, ...LANGUAGE, "undefined"]);

/** The names that a pattern declares. */
function namesOf(pattern) {
  if (!pattern) return [];
  switch (pattern.type) {
    case "Identifier":
      return [pattern.name];
    case "ObjectPattern":
      return pattern.properties.flatMap((property) => namesOf(property.value ?? property.argument));
    case "ArrayPattern":
      return pattern.elements.flatMap(namesOf);
    case "AssignmentPattern":
      return namesOf(pattern.left);
    default:
      return namesOf(pattern.argument);
  }
}

/** The names that a statement declares in its block. */
function declaredBy(statement) {
  const declaration = statement.declaration ?? statement;
  switch (declaration.type) {
    case "VariableDeclaration":
      return declaration.declarations.flatMap(({ id }) => namesOf(id));
    case "FunctionDeclaration":
    case "ClassDeclaration":
      return namesOf(declaration.id);
    case "ImportDeclaration":
      return declaration.specifiers.flatMap(({ local }) => namesOf(local));
    default:
      return [];
  }
}

/** The names that a node declares for what lies within it. */
function scopeOf(node) {
  if (node.type === "Program" || node.type === "BlockStatement") return node.body.flatMap(declaredBy);
  if (node.type.startsWith("For")) return [node.init, node.left].filter(Boolean).flatMap(declaredBy);
  if (node.type === "CatchClause") return namesOf(node.param);
  if (node.type.includes("Function")) return [...namesOf(node.id), ...node.params.flatMap(namesOf)];
  return [];
}

/** Names that are used and declared nowhere, and imports that are not used. */
function checkNames(tree, complain) {
  const used = new Set();
  ancestor(tree, {
    Identifier(node, _, ancestors) {
      used.add(node.name);
      const known = ancestors.some((outer) => scopeOf(outer).includes(node.name));
      if (!known && !GLOBALS.has(node.name)) complain(`${node.name} is not declared`);
    },
  });
  for (const { local } of tree.body.flatMap(({ type, specifiers }) => (type === "ImportDeclaration" ? specifiers : []))) {
    if (!used.has(local.name)) complain(`${local.name} is imported and not used`);
  }
}

/** Whether a function gives anything back itself, not by a function within it. */
function returns({ body }) {
  const [inner, returned] = [[], []];
  full(body, (node) => {
    if (node.type.includes("Function")) inner.push(node);
    if (node.type === "ReturnStatement" && node.argument) returned.push(node);
  });
  const isWithin = (node) => inner.some(({ start, end }) => start < node.start && node.start < end);
  return returned.some((node) => !isWithin(node));
}

/** Exported functions without a type for each parameter and for what they give back. */
function checkTypes(source, tree, comments, complain) {
  for (const statement of tree.body) {
    const declaration = statement.declaration;
    if (!statement.type.startsWith("Export") || declaration?.type !== "FunctionDeclaration") continue;
    const name = declaration.id?.name ?? "default";
    const above = comments.find(({ end }) => end < statement.start && !source.slice(end, statement.start).trim());
    const text = above?.value ?? "";
    const typed = text.match(/@param \{/g)?.length ?? 0;
    if (typed !== declaration.params.length) {
      complain(`${name} takes ${declaration.params.length} parameters and gives the type of ${typed}`);
    }
    declaration.params.forEach((parameter) => {
      if (parameter.type === "Identifier" && !new RegExp(`@param \\{[^\\n]*\\} \\[?${parameter.name}\\b`).test(text)) {
        complain(`${name} does not give the type of ${parameter.name}`);
      }
    });
    if (returns(declaration) && !text.includes("@returns {")) complain(`${name} does not say what it returns`);
  }
}

for (const file of process.argv.slice(2)) {
  const source = readFileSync(file, "utf-8");
  const comments = [];
  const tree = parse(source, { ecmaVersion: "latest", sourceType: "module", onComment: comments });
  const complain = (problem) => {
    console.log(`${file}: ${problem}`);
    process.exitCode = 1;
  };
  checkNames(tree, complain);
  checkTypes(source, tree, comments, complain);
}
