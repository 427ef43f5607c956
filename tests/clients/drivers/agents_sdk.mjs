// openai-agents for JavaScript.

import { Agent, OpenAIResponsesModel, Runner, tool, user } from "@openai/agents";
import OpenAI from "openai";
import {
  API_KEY,
  BAD_TEMPERATURE,
  Capital,
  City,
  ENOUGH_OF_A_STORY,
  MAX_OUTPUT_TOKENS,
  QUESTIONS,
  UNKNOWN_MODEL,
  raised,
  run,
} from "./harness.mjs";

function makeDriver(baseURL, model) {
  const client = new OpenAI({ baseURL, apiKey: API_KEY, maxRetries: 0 });
  const runner = new Runner({ tracingDisabled: true });

  function makeAgent({ name = model, settings = {}, ...fields } = {}) {
    return new Agent({
      name: "tester",
      model: new OpenAIResponsesModel(client, name),
      modelSettings: { temperature: 0, maxTokens: MAX_OUTPUT_TOKENS, ...settings },
      ...fields,
    });
  }

  const outputTokens = (result) => result.rawResponses[0].usage.outputTokens;

  return {
    async text() {
      const result = await runner.run(makeAgent(), QUESTIONS.capital);
      return { text: result.finalOutput, output_tokens: outputTokens(result) };
    },

    async stream() {
      const result = await runner.run(makeAgent(), QUESTIONS.capital, { stream: true });
      const deltas = [];
      for await (const delta of result.toTextStream()) deltas.push(delta);
      await result.completed;
      return { deltas, text: result.finalOutput, output_tokens: outputTokens(result) };
    },

    async turns() {
      const first = await runner.run(makeAgent(), QUESTIONS.capital);
      const history = [...first.history, user(QUESTIONS.follow_up)];
      const second = await runner.run(makeAgent(), history);
      return { texts: [first.finalOutput, second.finalOutput] };
    },

    async chain() {
      const first = await runner.run(makeAgent({ settings: { store: true } }), QUESTIONS.capital);
      const previousResponseId = first.lastResponseId;
      const second = await runner.run(makeAgent(), QUESTIONS.follow_up, { previousResponseId });
      return { texts: [first.finalOutput, second.finalOutput] };
    },

    async tool() {
      const calls = [];
      const weather = tool({
        name: QUESTIONS.tool.name,
        description: QUESTIONS.tool.description,
        parameters: City,
        execute: (args) => {
          calls.push(args);
          return QUESTIONS.weather_report;
        },
      });
      const settings = { toolChoice: weather.name, parallelToolCalls: false };
      const agent = makeAgent({ settings, tools: [weather] });
      const result = await runner.run(agent, QUESTIONS.weather);
      const [first] = result.rawResponses;
      return {
        name: first.output[0].name,
        arguments: calls.length === 1 ? calls[0] : calls,
        answer: result.finalOutput,
      };
    },

    async form() {
      const result = await runner.run(makeAgent({ outputType: Capital }), QUESTIONS.follow_up);
      return { values: [result.finalOutput] };
    },

    async errors() {
      const unknown = makeAgent({ name: UNKNOWN_MODEL });
      const bad = makeAgent({ settings: { temperature: BAD_TEMPERATURE } });
      return {
        unknown_model: await raised(runner.run(unknown, QUESTIONS.capital)),
        bad_parameter: await raised(runner.run(bad, QUESTIONS.capital)),
      };
    },

    async departure() {
      const agent = makeAgent({ settings: { maxTokens: 4000 } });
      const leaving = new AbortController();
      const options = { stream: true, signal: leaving.signal };
      const result = await runner.run(agent, QUESTIONS.story, options);
      let deltas = 0;
      for await (const _ of result.toTextStream()) {
        deltas += 1;
        if (deltas === ENOUGH_OF_A_STORY) break;
      }
      leaving.abort();
      return { deltas };
    },
  };
}

await run(makeDriver);
