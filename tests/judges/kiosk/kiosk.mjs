// A kiosk, written from docs/kiosk.md with WebCrypto and no library.
// node kiosk.mjs <gateway> <enrolment code> <file it keeps> <JSON of applications>
import { webcrypto } from 'node:crypto';
import { writeFileSync } from 'node:fs';

const { subtle } = webcrypto;
const [gateway, code, disk, applications] = process.argv.slice(2);
const text = (string) => new TextEncoder().encode(string);
const base64url = (bytes) => Buffer.from(bytes).toString('base64url');
const json64 = (value) => base64url(text(JSON.stringify(value)));
const sha256 = async (bytes) => new Uint8Array(await subtle.digest('SHA-256', bytes));
const fail = (what, detail) => { throw new Error(`${what}: ${JSON.stringify(detail)}`); };

// §1 the key of the device; in a browser `extractable` is false for the private half
const pair = await subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify']);
const { kty, crv, x, y } = await subtle.exportKey('jwk', pair.publicKey);
const publicKey = { kty, crv, x, y };

async function sign(typ, payload, key = pair.privateKey, jwk = publicKey) {
  const signed = `${json64({ typ, alg: 'ES256', jwk })}.${json64(payload)}`;
  const signature = await subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, key, text(signed));
  return `${signed}.${base64url(new Uint8Array(signature))}`;
}

async function post(path, body, headers = {}) {
  const answer = await fetch(gateway + path, {
    method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body),
  });
  const bytes = await answer.text();
  return { status: answer.status, headers: answer.headers, bytes, body: JSON.parse(bytes) };
}

const challenge = async () => (await post('/kiosk/challenge', {})).body.challenge;

// §1 enrolment
const kept = { counter: 0, queue: [] };
const keep = () => writeFileSync(disk, JSON.stringify(kept));
const enrolled = await post('/kiosk/enroll', {
  code, publicKey, proof: await sign('kiosk-enroll+jwt', { code, nonce: await challenge() }),
});
if (enrolled.status !== 200) fail('enrol', enrolled.body);
kept.device = enrolled.body.device;
kept.sealingKey = enrolled.body.sealingKey;

// §2 a token: the counter is on the disk before it is sent
async function token() {
  kept.counter += 1;
  keep();
  const payload = { device: kept.device, nonce: await challenge(), counter: kept.counter };
  const given = await post('/kiosk/token', { device: kept.device, proof: await sign('kiosk-token+jwt', payload) });
  if (given.status !== 200) fail('token', given.body);
  return { value: given.body.token, nonce: given.body.nonce };
}

// §3 a request with a proof; a nonce that is over comes back in DPoP-Nonce
const proofFor = async (session, path, key, jwk) => sign('dpop+jwt', {
  jti: webcrypto.randomUUID(), htm: 'POST', htu: gateway + path, iat: 1, nonce: session.nonce,
  ath: base64url(await sha256(text(session.value))),
}, key, jwk);

async function ask(session, path, body) {
  for (let attempt = 0; ; attempt += 1) {
    const answer = await post(path, body, {
      authorization: `DPoP ${session.value}`, dpop: await proofFor(session, path),
    });
    session.nonce = answer.headers.get('dpop-nonce') ?? session.nonce;
    const again = answer.headers.get('www-authenticate') === 'DPoP error="use_dpop_nonce"';
    if (!again || attempt > 0) return answer;
  }
}

// §5 sealing: compact JWE, ECDH-ES on P-256 and A256GCM
async function seal(application) {
  const to = kept.sealingKey;
  const theirs = await subtle.importKey('jwk', { kty: to.kty, crv: to.crv, x: to.x, y: to.y },
    { name: 'ECDH', namedCurve: 'P-256' }, false, []);
  const mine = await subtle.generateKey({ name: 'ECDH', namedCurve: 'P-256' }, true, ['deriveBits']);
  const epk = await subtle.exportKey('jwk', mine.publicKey);
  const apu = text(kept.device);
  const header = json64({
    alg: 'ECDH-ES', enc: 'A256GCM', kid: to.kid, apu: base64url(apu), epk: { kty: epk.kty, crv: epk.crv, x: epk.x, y: epk.y },
  });
  const shared = new Uint8Array(await subtle.deriveBits({ name: 'ECDH', public: theirs }, mine.privateKey, 256));
  const number = (value) => { const four = new Uint8Array(4); new DataView(four.buffer).setUint32(0, value); return four; };
  const sized = (bytes) => [...number(bytes.length), ...bytes];
  const round = new Uint8Array([...number(1), ...shared, ...sized(text('A256GCM')), ...sized(apu), ...number(0), ...number(256)]);
  const key = await subtle.importKey('raw', await sha256(round), 'AES-GCM', false, ['encrypt']);
  const iv = webcrypto.getRandomValues(new Uint8Array(12));
  const whole = new Uint8Array(await subtle.encrypt(
    { name: 'AES-GCM', iv, additionalData: text(header) }, key, text(JSON.stringify(application))));
  return `${header}..${base64url(iv)}.${base64url(whole.slice(0, -16))}.${base64url(whole.slice(-16))}`;
}

// offline: residents come, and nothing readable is kept
const boot = webcrypto.randomUUID();
for (const [index, application] of JSON.parse(applications).entries()) {
  kept.queue.push({
    idempotencyKey: application.idempotencyKey, provisionalNumber: `T-${index + 1}`,
    capturedAt: new Date(Date.now() - 3_600_000).toISOString(), boot, uptimeSeconds: 100 + index,
    sealedInput: await seal(application),
  });
}
keep();

// online again
const session = await token();
const me = { query: '{ viewer { kind } }' };
const thief = await subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
const own = await subtle.exportKey('jwk', thief.publicKey);
const stranger = { kty: own.kty, crv: own.crv, x: own.x, y: own.y };
const used = await proofFor(session, '/graphql');
const bound = { authorization: `DPoP ${session.value}` };
await post('/graphql', me, { ...bound, dpop: used });
const stolen = [
  (await post('/graphql', me, { authorization: `Bearer ${session.value}` })).status,
  (await post('/graphql', me, { ...bound, dpop: await proofFor(session, '/graphql', thief.privateKey, stranger) })).status,
  (await post('/graphql', me, { ...bound, dpop: used })).status,
];

const broken = { ...kept.queue[0], idempotencyKey: webcrypto.randomUUID(), provisionalNumber: 'T-9' };
broken.sealedInput = `${broken.sealedInput.slice(0, -4)}AAAA`;
const batch = {
  query: `mutation($input: SyncKioskInput!) { syncKiosk(input: $input) { results {
    provisionalNumber outcome trackingSecret case { id trackingCode } receipt { id signature capturedAt }
    userErrors { code message } } userErrors { code } } }`,
  variables: { input: {
    deviceTime: new Date().toISOString(), boot, uptimeSeconds: 3_700, items: [...kept.queue, broken],
  } },
};
const first = await ask(session, '/graphql', batch);
if (!first.body.data?.syncKiosk) fail('sync', first.body);
const second = await ask(session, '/graphql', batch);
const results = first.body.data.syncKiosk.results;
kept.queue = kept.queue.filter((_, index) => results[index].outcome === 'RETRY');
const beat = await ask(session, '/kiosk/heartbeat', {
  appVersion: 'judge-1', queueLength: kept.queue.length, deviceTime: new Date().toISOString(),
});
const found = await ask(session, '/graphql', {
  query: '{ case(by: { provisionalNumber: { number: "T-1" } }) { id } }',
});
console.log(JSON.stringify({
  stolen,
  outcomes: results.map((one) => one.outcome),
  refusedFor: results.at(-1).userErrors[0]?.code,
  repeatedTheSame: first.bytes === second.bytes,
  heartbeat: beat.body.state,
  found: found.body.data?.case?.id === results[0].case?.id,
}));
