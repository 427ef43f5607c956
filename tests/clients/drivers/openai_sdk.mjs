// OpenAI's SDK for Node.

import OpenAI from "openai";
import { zodTextFormat } from "openai/helpers/zod";
import { ResponsesWS } from "openai/resources/responses/ws";
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

const user = (content) => ({ role: "user", content });

function makeDriver(baseURL, model) {
  const client = new OpenAI({ baseURL, apiKey: API_KEY, maxRetries: 0 });
  const { responses } = client;
  const usual = { model, temperature: 0, max_output_tokens: MAX_OUTPUT_TOKENS };
  const create = (fields) => responses.create({ ...usual, ...fields });

  async function turn(socket, fields) {
    const events = socket.stream();
    socket.send({ type: "response.create", ...usual, ...fields });
    for await (const { type, message, error } of events) {
      if (type === "error") throw error;
      if (message?.type === "response.completed") return message.response;
    }
    throw new Error("the socket was closed");
  }

  return {
    async text() {
      const response = await create({ input: QUESTIONS.capital });
      return { text: response.output_text, output_tokens: response.usage.output_tokens };
    },

    async stream() {
      const stream = responses.stream({ ...usual, input: QUESTIONS.capital });
      const deltas = [];
      stream.on("response.output_text.delta", (event) => deltas.push(event.delta));
      const final = await stream.finalResponse();
      return { deltas, text: final.output_text, output_tokens: final.usage.output_tokens };
    },

    async turns() {
      const first = await create({ input: QUESTIONS.capital });
      const history = [user(QUESTIONS.capital), ...first.output, user(QUESTIONS.follow_up)];
      const second = await create({ input: history });
      return { texts: [first.output_text, second.output_text] };
    },

    async chain() {
      const first = await create({ input: QUESTIONS.capital, store: true });
      const fields = { input: QUESTIONS.follow_up, previous_response_id: first.id };
      const second = await create(fields);
      return { texts: [first.output_text, second.output_text] };
    },

    async socket() {
      const socket = new ResponsesWS(client);
      const first = await turn(socket, { input: QUESTIONS.capital });
      const fields = { input: QUESTIONS.follow_up, previous_response_id: first.id };
      const second = await turn(socket, fields);
      socket.close();
      return { texts: [first, second].map((response) => response.output[0].content[0].text) };
    },

    async tool() {
      const tools = [{ type: "function", strict: true, ...QUESTIONS.tool }];
      const tool_choice = { type: "function", name: QUESTIONS.tool.name };
      const stream = responses.stream({ ...usual, input: QUESTIONS.weather, tools, tool_choice });
      const first = await stream.finalResponse();
      const [call] = first.output;
      const output = {
        type: "function_call_output",
        call_id: call.call_id,
        output: QUESTIONS.weather_report,
      };
      const input = [user(QUESTIONS.weather), ...first.output, output];
      const second = await create({ input, tools });
      return {
        name: call.name,
        arguments: JSON.parse(call.arguments),
        answer: second.output_text,
      };
    },

    async form() {
      const text = { format: zodTextFormat(Capital, "capital") };
      const response = await responses.parse({ ...usual, input: QUESTIONS.follow_up, text });
      return { values: [response.output_parsed] };
    },

    async errors() {
      const input = QUESTIONS.capital;
      return {
        unknown_model: await raised(create({ input, model: UNKNOWN_MODEL })),
        bad_parameter: await raised(create({ input, temperature: BAD_TEMPERATURE })),
      };
    },

    async departure() {
      const fields = { input: QUESTIONS.story, stream: true, max_output_tokens: null };
      let deltas = 0;
      for await (const event of await create(fields)) {
        deltas += event.type === "response.output_text.delta";
        if (deltas === ENOUGH_OF_A_STORY) break;
      }
      return { deltas };
    },
  };
}

await run(makeDriver);
