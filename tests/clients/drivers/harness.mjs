// What every driver in JavaScript shares; see harness.py, which does the same for Python.

import { readFileSync } from "node:fs";
import { z } from "zod";

export const API_KEY = "unused";
export const MAX_OUTPUT_TOKENS = 60;
export const QUESTIONS = JSON.parse(readFileSync(new URL("questions.json", import.meta.url)));
export const UNKNOWN_MODEL = "no-such-model";
export const BAD_TEMPERATURE = 9;
export const ENOUGH_OF_A_STORY = 3;

export const Capital = z.object({
  city: z.enum(["Rome", "Paris"]),
  size: z.union([z.literal(1), z.literal(2), z.literal(3)]),
});

export const City = z.object({ city: z.enum(["Oslo", "Paris"]) });

/** The error that a promise ends with: its class, and its HTTP status where the client knows it. */
export async function raised(promise) {
  let result;
  try {
    result = await promise;
  } catch (error) {
    return { kind: error.constructor.name, status: error.status ?? error.statusCode ?? null };
  }
  throw new Error(`no error, but ${JSON.stringify(result)}`);
}

/** `makeDriver` takes the base URL (with /v1) and the model; scenarios come after them. */
export async function run(makeDriver) {
  const [baseUrl, model, ...scenarios] = process.argv.slice(2);
  const driver = makeDriver(baseUrl, model);
  await Promise.all(scenarios.map((name) => runOne(name, driver)));
  await inputHasEnded();
}

async function runOne(scenario, driver) {
  let report;
  try {
    report = { scenario, saw: await driver[scenario]() };
  } catch (error) {
    report = { scenario, failure: `${error.stack}\n${JSON.stringify(error)}` };
  }
  console.log(JSON.stringify(report));
}

/** Until then this process stays, so that its end hangs up no connection that a client left open. */
async function inputHasEnded() {
  for await (const _ of process.stdin);
}
