// Reads a JSON list of files on its input; prints how each would be written by the formatter of
// Terraform, and what it says.
const { format } = require("@cdktf/hcl-tools");
const { parse } = require("@cdktf/hcl2json");
const { readFileSync } = require("fs");

async function read(name) {
  const text = readFileSync(name, "utf-8");
  try {
    return { text, formatted: await format(text), parsed: await parse(name, text) };
  } catch (error) {
    return { text, formatted: "", parsed: {}, fault: String(error.message || error) };
  }
}

async function main() {
  const found = {};
  for (const name of JSON.parse(readFileSync(0, "utf-8"))) {
    found[name] = await read(name);
  }
  console.log(JSON.stringify(found));
}

main();
