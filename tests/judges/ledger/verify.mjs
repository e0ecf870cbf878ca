// A verifier written from docs/ledger.md alone, with nothing but Node's own library.
// node verify.mjs EXPORT [--key HEX]... [--receipt FILE]... [--checkpoint FILE]...
// Prints "REASON SUBJECT seq N" for each chain, receipt or the checkpoints that do not hold, then "chains N lines N".
import { createHash, createPublicKey, verify as checkSignature } from "node:crypto";
import { readFileSync } from "node:fs";

const ZEROS = "0".repeat(64);
const sha256 = (...parts) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
};
const big = (number) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(number));
  return bytes;
};
const uuid = (text) => Buffer.from(text.replaceAll("-", ""), "hex");
const hyphens = (hex) => hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");

const [file, ...options] = process.argv.slice(2);
const given = (name) => options.flatMap((option, at) => (option === name ? [options[at + 1]] : []));
const records = readFileSync(file, "utf8").split("\n").filter(Boolean).map((line) => JSON.parse(line));
const faults = [];
const tell = (reason, subject, seq) => faults.push(`${reason} ${subject} seq ${seq}`);

// keys
const keys = new Map();
const trust = (hex) => {
  const raw = Buffer.from(hex, "hex");
  const der = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), raw]);
  keys.set(sha256(raw).slice(0, 16), createPublicKey({ key: der, format: "der", type: "spki" }));
};
if (given("--key").length) given("--key").forEach(trust);
else records.filter((one) => one.record === "key").forEach((one) => trust(one.public_key));
const signed = (keyId, text, signature) => {
  const key = keys.get(keyId);
  return Boolean(key) && checkSignature(null, Buffer.from(text), key, signature);
};

// positions that signatures attest: chain -> [{seq, hash}]
const attested = new Map();
const attest = (chain, seq, hash) => attested.set(chain, [...(attested.get(chain) ?? []), { seq, hash }]);

// receipts, of the export and kept elsewhere
const kept = (name) => given(name).flatMap((path) => readFileSync(path, "utf8").split("\n").filter(Boolean).map((line) => JSON.parse(line)));
for (const receipt of [...kept("--receipt"), ...records.filter((one) => one.record === "receipt")]) {
  const body = JSON.parse(receipt.canonical);
  if (!signed(receipt.keyId, receipt.canonical, Buffer.from(receipt.signature, "base64"))) {
    tell("BAD_SIG", `receipt ${body.id}`, body.ledger.seq);
    continue;
  }
  attest(hyphens(body.case.replace("case_", "")), body.ledger.seq, body.ledger.hash);
}

// checkpoints
const statement = (one) =>
  `{"at_us":${one.at_us},"format":1,"heads":${one.heads},"kind":"onedoor-checkpoint","prev":"${one.prev}","root":"${one.root}","seq":${one.seq}}`;
const holds = (one) => signed(one.key_id, statement(one), Buffer.from(one.signature, "hex"));
const elsewhere = new Map();
for (const one of kept("--checkpoint")) {
  if (holds(one)) elsewhere.set(one.seq, sha256(statement(one)));
  else tell("BAD_SIG", "checkpoints", one.seq);
}
let last = { seq: 0, hash: ZEROS };
for (let at = 0; at < records.length; at += 1) {
  const one = records[at];
  if (one.record !== "checkpoint") continue;
  const heads = [];
  while (records[at + 1]?.record === "checkpoint-head") heads.push(records[(at += 1)]);
  heads.sort((left, right) => Buffer.compare(uuid(left.chain), uuid(right.chain)));
  const root = sha256("onedoor:checkpoint:1\0", ...heads.flatMap((head) => [uuid(head.chain), big(head.seq), Buffer.from(head.hash, "hex")]));
  const expected = last.seq + 1;
  const hash = sha256(statement(one));
  const fault =
    one.seq > expected ? ["GAP", expected]
    : one.seq < expected ? ["FORK", one.seq]
    : !holds(one) ? ["BAD_SIG", one.seq]
    : one.prev !== last.hash ? ["BAD_LINK", one.seq]
    : one.heads !== heads.length || one.root !== root ? ["BAD_CONTENT", one.seq]
    : (elsewhere.get(one.seq) ?? hash) !== hash ? ["FORK", one.seq]
    : null;
  if (fault) {
    tell(fault[0], "checkpoints", fault[1]);
    last = null;
    break;
  }
  last = { seq: one.seq, hash };
  heads.forEach((head) => attest(head.chain, head.seq, head.hash));
}
if (last && [...elsewhere.keys()].some((seq) => seq > last.seq)) tell("TRUNCATED", "checkpoints", last.seq + 1);

// chains
const heads = new Map(records.filter((one) => one.record === "head").map((one) => [one.chain, one]));
const chains = new Map([...heads.keys()].map((chain) => [chain, []]));
const lines = records.filter((one) => one.record === "line");
for (const line of lines) chains.set(line.chain, [...(chains.get(line.chain) ?? []), line]);
for (const chain of attested.keys()) if (!chains.has(chain)) tell("TRUNCATED", `chain ${chain}`, 1);
for (const [chain, own] of chains) {
  const head = heads.get(chain);
  const known = [...(attested.get(chain) ?? []), ...(head ? [head] : [])];
  let seq = 0;
  let prev = ZEROS;
  let fault = null;
  for (const line of own) {
    const payload = Buffer.from(line.payload, "hex");
    const hash = sha256(payload.subarray(0, 1), uuid(chain), big(seq + 1), Buffer.from(prev, "hex"), Buffer.from(sha256(payload), "hex"));
    let said = null;
    try {
      said = payload[0] === 1 ? JSON.parse(payload.subarray(1).toString("utf8")) : null;
    } catch {
      // no JSON: not of this format
    }
    const wellFormed = said && ["at_us", "body", "name"].every((name) => name in said) && Object.keys(said).length === 3;
    fault =
      line.seq > seq + 1 ? ["GAP", seq + 1]
      : line.seq < seq + 1 ? ["FORK", line.seq]
      : line.prev !== prev ? ["BAD_LINK", line.seq]
      : line.hash !== hash || !wellFormed ? ["BAD_CONTENT", line.seq]
      : said.at_us !== line.at_us || said.name !== line.name ? ["COLUMN_MISMATCH", line.seq]
      : known.some((one) => one.seq === line.seq && one.hash !== line.hash) ? ["FORK", line.seq]
      : null;
    if (fault) break;
    seq = line.seq;
    prev = line.hash;
  }
  if (!fault && (!head || known.some((one) => one.seq > seq))) fault = ["TRUNCATED", seq + 1];
  if (!fault && head.seq < seq) fault = ["FORK", head.seq + 1];
  if (fault) tell(fault[0], `chain ${chain}`, fault[1]);
}
const end = records.at(-1);
if (end?.record !== "end") tell("TRUNCATED", "export", records.length);
else if (end.records !== records.length - 1) tell("GAP", "export", records.length);

console.log([...faults.sort(), `chains ${chains.size} lines ${lines.length}`].join("\n"));
process.exitCode = faults.length ? 1 : 0;
