// Drives the endpoint with the npm graphql-sse client: node events.mjs URL SUBSCRIPTION QUERY [TOKEN].
// Expects the subscription to give at least one event and end, and the query to answer; exits 1 otherwise.
import { createClient } from "graphql-sse";

const [url, subscription, query, token] = process.argv.slice(2);
const client = createClient({ url, retryAttempts: 0, headers: token ? { Authorization: `Bearer ${token}` } : {} });
const collect = async (document) => {
  const answers = [];
  for await (const answer of client.iterate({ query: document })) answers.push(answer);
  return answers;
};
const events = await collect(subscription);
const answers = await collect(query);
const refused = await collect("subscription { noSuchField }");
console.log(`${events.length} events, ${answers.length} answer`);
client.dispose();
const good = events.length > 0 && events.every((it) => it.data && !it.errors) && answers.length === 1 && answers[0].data;
process.exit(good && refused.length === 1 && refused[0].errors ? 0 : 1);
