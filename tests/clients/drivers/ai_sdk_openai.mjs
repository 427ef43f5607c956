// The AI SDK with its provider for OpenAI.

import { createOpenAI } from "@ai-sdk/openai";
import { aiSdkDriver } from "./ai_sdk.mjs";
import { API_KEY, run } from "./harness.mjs";

await run((baseURL, model) => {
  const provider = createOpenAI({ baseURL, apiKey: API_KEY });
  return aiSdkDriver((name) => provider.responses(name), model);
});
