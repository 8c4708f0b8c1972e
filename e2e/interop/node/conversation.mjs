// How a script talks with its test, one JSON value a line: the options come in; addresses for the user's browser go
// out, and what arrived at the redirect URI comes in; at the end the result goes out, or the error.
import { createInterface } from "node:readline";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

export const hear = async () => JSON.parse((await lines.next()).value);
export const tell = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
// The test has nothing more to say.
export const end = async () => lines.next();

// What a user's browser brings back: a URL, or the form that was posted to it.
async function visit(url) {
  tell({ visit: String(url) });
  const { url: arrived, posted } = await hear();
  if (!posted) return new URL(arrived);
  return new Request(arrived, { method: "POST", body: new URLSearchParams(posted) });
}

function describe(error) {
  const { name, message, code, error: oauth, error_description, status, cause } = error;
  const inner = cause instanceof Error ? describe(cause) : cause;
  return { name, message, code, error: oauth, error_description, status, cause: inner };
}

export async function converse(scenario) {
  try {
    tell({ result: await scenario(await hear(), visit) });
  } catch (error) {
    tell({ error: describe(error) });
  }
  process.exit(0);
}
