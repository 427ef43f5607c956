// The AI SDK, over whichever provider a driver brings.

import { Output, generateText, isStepCount, streamText, tool } from "ai";
import {
  BAD_TEMPERATURE,
  Capital,
  City,
  ENOUGH_OF_A_STORY,
  MAX_OUTPUT_TOKENS,
  QUESTIONS,
  UNKNOWN_MODEL,
  raised,
} from "./harness.mjs";

globalThis.AI_SDK_LOG_WARNINGS = false;

const user = (content) => ({ role: "user", content });

/** `makeModel` takes the name of a model. */
export function aiSdkDriver(makeModel, model) {
  const usual = {
    model: makeModel(model),
    temperature: 0,
    maxOutputTokens: MAX_OUTPUT_TOKENS,
    maxRetries: 0,
  };
  const generate = (fields) => generateText({ ...usual, ...fields });

  async function twoTurns(fields) {
    const asked = user(QUESTIONS.capital);
    const first = await generate({ ...fields, messages: [asked] });
    const messages = [asked, ...first.response.messages, user(QUESTIONS.follow_up)];
    const second = await generate({ ...fields, messages });
    return { texts: [first.text, second.text] };
  }

  return {
    async text() {
      const { text, usage } = await generate({ prompt: QUESTIONS.capital });
      return { text, output_tokens: usage.outputTokens };
    },

    async stream() {
      const result = streamText({ ...usual, prompt: QUESTIONS.capital });
      const deltas = [];
      for await (const delta of result.textStream) deltas.push(delta);
      const usage = await result.usage;
      return { deltas, text: await result.text, output_tokens: usage.outputTokens };
    },

    /** The whole history is sent: OpenAI's provider is told that nothing is kept. */
    turns: () => twoTurns({ providerOptions: { openai: { store: false } } }),

    /** As it comes: OpenAI's provider refers to the first answer by its id. */
    chain: () => twoTurns({}),

    async tool() {
      const weather = tool({
        description: QUESTIONS.tool.description,
        inputSchema: City,
        execute: () => QUESTIONS.weather_report,
      });
      const forced = { type: "tool", toolName: QUESTIONS.tool.name };
      const result = streamText({
        ...usual,
        prompt: QUESTIONS.weather,
        tools: { [QUESTIONS.tool.name]: weather },
        prepareStep: ({ stepNumber }) => ({ toolChoice: stepNumber === 0 ? forced : "auto" }),
        stopWhen: isStepCount(2),
        onError: () => {},
      });
      const steps = await result.steps;
      const [call] = steps[0].toolCalls;
      return { name: call.toolName, arguments: call.input, answer: steps[1].text };
    },

    async form() {
      const output = Output.object({ schema: Capital, name: "capital" });
      const result = await generate({ prompt: QUESTIONS.follow_up, output });
      return { values: [result.output] };
    },

    async errors() {
      const prompt = QUESTIONS.capital;
      return {
        unknown_model: await raised(generate({ prompt, model: makeModel(UNKNOWN_MODEL) })),
        bad_parameter: await raised(generate({ prompt, temperature: BAD_TEMPERATURE })),
      };
    },

    async departure() {
      const leaving = new AbortController();
      const result = streamText({
        ...usual,
        prompt: QUESTIONS.story,
        maxOutputTokens: 4000,
        abortSignal: leaving.signal,
      });
      let deltas = 0;
      for await (const _ of result.textStream) {
        deltas += 1;
        if (deltas === ENOUGH_OF_A_STORY) break;
      }
      leaving.abort();
      return { deltas };
    },
  };
}
