// LangChain for JavaScript: @langchain/openai, told to use the Responses API.

import { HumanMessage, ToolMessage } from "@langchain/core/messages";
import { ChatOpenAI } from "@langchain/openai";
import {
  API_KEY,
  BAD_TEMPERATURE,
  Capital,
  ENOUGH_OF_A_STORY,
  MAX_OUTPUT_TOKENS,
  QUESTIONS,
  UNKNOWN_MODEL,
  raised,
  run,
} from "./harness.mjs";

function makeDriver(baseURL, model) {
  const makeChat = (changes = {}) =>
    new ChatOpenAI({
      model,
      apiKey: API_KEY,
      configuration: { baseURL },
      useResponsesApi: true,
      maxRetries: 0,
      temperature: 0,
      maxTokens: MAX_OUTPUT_TOKENS,
      ...changes,
    });

  return {
    async text() {
      const message = await makeChat().invoke(QUESTIONS.capital);
      return { text: message.text, output_tokens: message.usage_metadata.output_tokens };
    },

    async stream() {
      const deltas = [];
      let whole;
      for await (const chunk of await makeChat().stream(QUESTIONS.capital)) {
        if (chunk.text) deltas.push(chunk.text);
        whole = whole ? whole.concat(chunk) : chunk;
      }
      return { deltas, text: whole.text, output_tokens: whole.usage_metadata.output_tokens };
    },

    async turns() {
      const asked = new HumanMessage(QUESTIONS.capital);
      const first = await makeChat().invoke([asked]);
      const history = [asked, first, new HumanMessage(QUESTIONS.follow_up)];
      const second = await makeChat().invoke(history);
      return { texts: [first.text, second.text] };
    },

    async chain() {
      const first = await makeChat().invoke(QUESTIONS.capital);
      const options = { previous_response_id: first.response_metadata.id };
      const second = await makeChat().invoke(QUESTIONS.follow_up, options);
      return { texts: [first.text, second.text] };
    },

    async tool() {
      const tools = [{ type: "function", function: QUESTIONS.tool }];
      const forced = makeChat().bindTools(tools, { tool_choice: QUESTIONS.tool.name });
      const asked = new HumanMessage(QUESTIONS.weather);
      let first;
      for await (const chunk of await forced.stream([asked])) {
        first = first ? first.concat(chunk) : chunk;
      }
      const [call] = first.tool_calls;
      const output = new ToolMessage({
        content: QUESTIONS.weather_report,
        tool_call_id: call.id,
      });
      const second = await makeChat().bindTools(tools).invoke([asked, first, output]);
      return { name: call.name, arguments: call.args, answer: second.text };
    },

    async form() {
      const values = [];
      for (const method of ["jsonSchema", "functionCalling"]) {
        const chat = makeChat().withStructuredOutput(Capital, { method, name: "capital" });
        values.push(await chat.invoke(QUESTIONS.follow_up));
      }
      return { values };
    },

    async errors() {
      const unknown = makeChat({ model: UNKNOWN_MODEL });
      const bad = makeChat({ temperature: BAD_TEMPERATURE });
      return {
        unknown_model: await raised(unknown.invoke(QUESTIONS.capital)),
        bad_parameter: await raised(bad.invoke(QUESTIONS.capital)),
      };
    },

    async departure() {
      const leaving = new AbortController();
      const chat = makeChat({ maxTokens: 4000 });
      const stream = await chat.stream(QUESTIONS.story, { signal: leaving.signal });
      let deltas = 0;
      for await (const chunk of stream) {
        deltas += chunk.text ? 1 : 0;
        if (deltas === ENOUGH_OF_A_STORY) break;
      }
      leaving.abort();
      return { deltas };
    },
  };
}

await run(makeDriver);
