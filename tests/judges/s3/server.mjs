// An S3-compatible server for one test: node server.mjs PORT FOLDER BUCKET. It checks every signature (SigV4); its one
// account has the key id and the secret S3RVER.
import S3rver from "s3rver";

const [port, directory, bucket] = process.argv.slice(2);
const server = new S3rver({
  port: Number(port), address: "127.0.0.1", silent: true, directory, configureBuckets: [{ name: bucket }],
});
await server.run();
console.log("ready");
