// Starts GraphiQL against this gateway. The token goes into the Headers tab: {"Authorization": "Bearer …"}
"use strict";
const root = document.getElementById("graphiql");
const socket = new URL("/graphql", location.href);
socket.protocol = location.protocol === "https:" ? "wss:" : "ws:";
const fetcher = (params, options = {}) =>
  // Made anew for each operation, so that a socket carries the token that stands in the Headers tab now.
  GraphiQL.createFetcher({
    url: "/graphql",
    subscriptionUrl: socket.href,
    wsConnectionParams: options.headers || {},
  })(params, options);
ReactDOM.createRoot(root).render(
  React.createElement(GraphiQL, {
    fetcher,
    isHeadersEditorEnabled: true,
    shouldPersistHeaders: false,
    defaultEditorToolsVisibility: "headers",
    defaultHeaders: '{\n  "Accept-Language": "zh-CN"\n}',
    defaultQuery: "# 按 Ctrl+Enter 执行 · press Ctrl+Enter to run\n{\n  __typename\n}\n",
  }),
);
