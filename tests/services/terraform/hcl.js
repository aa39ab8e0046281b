// Reads files of Terraform, a JSON list of them in each line of its input; prints in a line how each
// would be written by the formatter of Terraform, and what it says.
const { format } = require("@cdktf/hcl-tools");
const { parse } = require("@cdktf/hcl2json");
const { readFileSync } = require("fs");
const { createInterface } = require("readline");

async function read(name) {
  const text = readFileSync(name, "utf-8");
  try {
    return { text, formatted: await format(text), parsed: await parse(name, text) };
  } catch (error) {
    return { text, formatted: "", parsed: {}, fault: String(error.message || error) };
  }
}

async function main() {
  for await (const names of createInterface({ input: process.stdin })) {
    const found = {};
    for (const name of JSON.parse(names)) {
      found[name] = await read(name);
    }
    console.log(JSON.stringify(found));
  }
}

// Both run in a WebAssembly of Go's, which would keep the process.
main().then(() => process.exit());
