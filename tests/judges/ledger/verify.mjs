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

// SM2 with SM3 (GB/T 32918.2 §7.2), user id 1234567812345678, on the curve of GB/T 32918.5
const P = 2n ** 256n - 2n ** 224n - 2n ** 96n + 2n ** 64n - 1n;
const A = P - 3n;
const B = 0x28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93n;
const N = 0xfffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123n;
const G = [
  0x32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7n,
  0xbc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0n,
];
const mod = (value, by) => ((value % by) + by) % by;
const inverse = (value, by) => {
  let [a, b, u, v] = [mod(value, by), by, 1n, 0n];
  while (a) [a, b, u, v] = [b % a, a, v - (b / a) * u, u];
  return mod(v, by);
};
const plus = (p, q) => {
  if (!p || !q) return p ?? q;
  if (p[0] === q[0] && mod(p[1] + q[1], P) === 0n) return null;
  const slope = p[0] === q[0] ? (3n * p[0] * p[0] + A) * inverse(2n * p[1], P) : (q[1] - p[1]) * inverse(q[0] - p[0], P);
  const x = mod(slope * slope - p[0] - q[0], P);
  return [x, mod(slope * (p[0] - x) - p[1], P)];
};
const times = (factor, point) => {
  let sum = null;
  for (let left = factor, power = point; left; left >>= 1n, power = plus(power, power)) if (left & 1n) sum = plus(sum, power);
  return sum;
};
const number = (bytes) => BigInt(`0x${bytes.toString("hex")}`);
const bytes32 = (value) => Buffer.from(value.toString(16).padStart(64, "0"), "hex");
const sm3 = (...parts) => createHash("sm3").update(Buffer.concat(parts)).digest();
const sm2Holds = (raw, message, signature) => {
  const point = [number(raw.subarray(1, 33)), number(raw.subarray(33, 65))];
  const [r, s] = [number(signature.subarray(0, 32)), number(signature.subarray(32, 64))];
  const onCurve = mod(point[1] ** 2n - point[0] ** 3n - A * point[0] - B, P) === 0n;
  if (raw[0] !== 4 || !onCurve || signature.length !== 64 || [r, s].some((one) => one < 1n || one >= N)) return false;
  const za = sm3(Buffer.from("0080", "hex"), Buffer.from("1234567812345678"), ...[A, B, ...G, ...point].map(bytes32));
  const t = mod(r + s, N);
  const found = t && plus(times(s, G), times(t, point));
  return Boolean(found) && mod(number(sm3(za, message)) + found[0], N) === r;
};

// keys: by the name of the algorithm; without one the number of digits tells it
const keys = new Map();
const trust = (hex, algorithm = hex.length === 64 ? "Ed25519" : "SM2-SM3") => {
  const raw = Buffer.from(hex, "hex");
  const der = () => Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), raw]);
  const ed25519 = (message, signature) =>
    checkSignature(null, message, createPublicKey({ key: der(), format: "der", type: "spki" }), signature);
  const holds = { Ed25519: ed25519, "SM2-SM3": (message, signature) => sm2Holds(raw, message, signature) }[algorithm];
  if (holds) keys.set(sha256(raw).slice(0, 16), holds);
};
if (given("--key").length) given("--key").forEach((hex) => trust(hex));
else records.filter((one) => one.record === "key").forEach((one) => trust(one.public_key, one.algorithm));
const signed = (keyId, text, signature) => {
  const holds = keys.get(keyId);
  return Boolean(holds) && holds(Buffer.from(text), signature);
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
