// An S3-compatible server for one test: node server.mjs PORT FOLDER BUCKET.
//
// s3rver keeps the objects but does not check signatures of version 4, so that is done before it, by another library
// (aws4): whoever does not know the secret is refused.
import { createServer } from "node:http";
import aws4 from "aws4";
import S3rver from "s3rver";

const [port, directory, bucket] = process.argv.slice(2);
const secrets = { S3RVER: "S3RVER" };
const form = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/\d{8}\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=[0-9a-f]{64}$/;

function isSigned(request) {
  const told = request.headers.authorization ?? "";
  const [, account, region, signed] = form.exec(told) ?? [];
  const secretAccessKey = secrets[account];
  if (!secretAccessKey || !signed.split(";").includes("host")) return false;
  const headers = Object.fromEntries(signed.split(";").map((name) => [name, request.headers[name] ?? ""]));
  const again = aws4.sign(
    { service: "s3", region, method: request.method, path: request.url, host: headers.host, headers, doNotModifyHeaders: true },
    { accessKeyId: account, secretAccessKey },
  );
  const signature = (text) => text.replace(/.*Signature=/, "");
  return signature(again.headers.Authorization ?? again.headers.authorization) === signature(told);
}

const objects = new S3rver({ silent: true, directory, configureBuckets: [{ name: bucket }] });
await objects.configureBuckets();
const answer = objects.callback();
const server = createServer((request, response) => {
  if (isSigned(request)) return answer(request, response);
  request.resume();
  response.writeHead(403, { "content-type": "application/xml" });
  response.end("<Error><Code>SignatureDoesNotMatch</Code><Message>the signature is not right</Message></Error>");
});
server.listen(Number(port), "127.0.0.1", () => console.log("ready"));
