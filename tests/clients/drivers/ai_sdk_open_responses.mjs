// The AI SDK with its provider for Open Responses.

import { createOpenResponses } from "@ai-sdk/open-responses";
import { aiSdkDriver } from "./ai_sdk.mjs";
import { API_KEY, run } from "./harness.mjs";

await run((baseUrl, model) => {
  const url = `${baseUrl}/responses`;
  const provider = createOpenResponses({ name: "antiphon", url, apiKey: API_KEY });
  return aiSdkDriver((name) => provider(name), model);
});
