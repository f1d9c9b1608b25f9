// The demo's identity provider: a signing key kept on this machine, its key set over HTTP, and tokens.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import { exportJWK, generateKeyPair, importJWK, type JWK, type JWTPayload, SignJWT } from 'jose';

/** Names only; nothing is ever fetched from them. */
export const ISSUER = 'https://issuer.weir.example/';
export const AUDIENCE = 'https://api.weir.example/';

const ALGORITHM = 'ES256';
/** In the project that the command is run in: npm starts its scripts there. */
const KEY_FILE = join(process.cwd(), '.wrangler/demo/key.json');

/** A token for the demo, with a `jti` to revoke it by. @param claims added to `sub`; they cannot replace what the demo sets. */
export const mint = async (sub: string, ttlSeconds: number, claims: JWTPayload = {}): Promise<string> => {
  const key = await signingKey();
  const now = Math.floor(Date.now() / 1000);
  const times = { iat: now, exp: now + ttlSeconds };
  return new SignJWT({ jti: crypto.randomUUID(), ...claims, iss: ISSUER, aud: AUDIENCE, sub, ...times })
    .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT', kid: String(key.kid) })
    .sign(await importJWK(key, ALGORITHM));
};

/** What the tokens are verified with. */
export const publicKey = async (): Promise<JWK> => {
  const { d: _private, ...key } = await signingKey();
  return key;
};

/** Serves the key set on any free port of this machine. */
export const startIssuer = async () => {
  const keySet = JSON.stringify({ keys: [await publicKey()] });
  return createServer((_request, response) => {
    response.writeHead(200, { 'Content-Type': 'application/jwk-set+json' }).end(keySet);
  });
};

/** Made once and kept outside git, so that tokens made while the demo runs, or before a restart, stay valid. */
const signingKey = async (): Promise<JWK> => {
  const kept = await readFile(KEY_FILE, 'utf8').catch(() => undefined);
  if (kept !== undefined) return JSON.parse(kept);
  const { privateKey } = await generateKeyPair(ALGORITHM, { extractable: true });
  const key = { ...(await exportJWK(privateKey)), kid: `demo-${Date.now()}`, alg: ALGORITHM, use: 'sig' };
  return keep(key);
};

/** The first to write the key wins: the demo and `npm run token` may both find none. */
const keep = async (key: JWK): Promise<JWK> => {
  await mkdir(dirname(KEY_FILE), { recursive: true });
  try {
    await writeFile(KEY_FILE, JSON.stringify(key), { flag: 'wx', mode: 0o600 });
    return key;
  } catch {
    return JSON.parse(await readFile(KEY_FILE, 'utf8'));
  }
};
