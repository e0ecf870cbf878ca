// Drives the endpoint with the npm graphql-ws client: node socket.mjs URL SUBSCRIPTION QUERY [TOKEN].
// Expects the subscription to give at least one event and end, and the query to answer; exits 1 otherwise.
import { createClient } from "graphql-ws";
import WebSocket from "ws";

const [url, subscription, query, token] = process.argv.slice(2);
const client = createClient({
  url: url.replace(/^http/, "ws"),
  webSocketImpl: WebSocket,
  retryAttempts: 0,
  connectionParams: token ? { Authorization: `Bearer ${token}` } : undefined,
});
const collect = async (document) => {
  const answers = [];
  for await (const answer of client.iterate({ query: document })) answers.push(answer);
  return answers;
};
const [events, answers] = await Promise.all([collect(subscription), collect(query)]);
console.log(`${events.length} events, ${answers.length} answer`);
const good = events.length > 0 && events.every((it) => it.data && !it.errors) && answers.length === 1 && answers[0].data;
const refused = await collect("subscription { noSuchField }").then(
  () => "not refused",
  (errors) => (Array.isArray(errors) ? "" : `refused with ${errors.code ?? ""} ${errors.reason ?? errors.message ?? errors}`),
);
console.log(refused);
await client.dispose();
process.exit(good && !refused ? 0 : 1);
