// A real OpenID provider on loopback, told what to do line by line on standard input.
//
// It prints {"issuer": …} once it listens, then answers every command with one line. It ends with its standard input,
// and so with the process that started it. An attack is made on the way out of the token endpoint: the ID token that
// the provider issued is taken apart, changed, and signed again (or not).

import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

import { SignJWT, decodeJwt, exportJWK, generateKeyPair, importJWK } from 'jose';
import Provider from 'oidc-provider';

const KEY_ID = 'signing';
const ALGORITHM = 'RS256';
const OTHER_ISSUER = 'http://127.0.0.1:9/other';
const CLAIM_SCOPES = {
  openid: ['sub', 'tid', 'oid', 'hd'],
  profile: ['name', 'given_name', 'family_name', 'preferred_username'],
  email: ['email', 'email_verified'],
  groups: ['groups'],
};

const signing = await freshKey();
const stranger = await freshKey();
const users = new Map();
const clients = new Map();
const store = new Map();
let signsInAs = null;
let attack = null;

async function freshKey() {
  const { privateKey } = await generateKeyPair(ALGORITHM, { extractable: true });
  return { ...(await exportJWK(privateKey)), kid: KEY_ID, alg: ALGORITHM, use: 'sig' };
}

// The default adapter knows only clients that are configured before the start.
class Adapter {
  constructor(model) {
    this.model = model;
  }

  key(id) {
    return `${this.model}:${id}`;
  }

  async upsert(id, payload) {
    store.set(this.key(id), payload);
  }

  async find(id) {
    return this.model === 'Client' ? clients.get(id) : store.get(this.key(id));
  }

  async findByUid(uid) {
    return [...store.entries()].find(([key, value]) => key.startsWith(`${this.model}:`) && value.uid === uid)?.[1];
  }

  async findByUserCode() {
    return undefined;
  }

  async consume(id) {
    store.get(this.key(id)).consumed = Math.floor(Date.now() / 1000);
  }

  async destroy(id) {
    store.delete(this.key(id));
  }

  async revokeByGrantId(grantId) {
    for (const [key, value] of store) if (value.grantId === grantId) store.delete(key);
  }
}

async function sign(claims, jwk) {
  return new SignJWT(claims)
    .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT', kid: KEY_ID })
    .sign(await importJWK(jwk, ALGORITHM));
}

function unsigned(claims) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none', typ: 'JWT' })}.${part(claims)}.`;
}

const now = () => Math.floor(Date.now() / 1000);
const ATTACKS = {
  wrong_nonce: (claims) => sign({ ...claims, nonce: 'another-login' }, signing),
  no_nonce: ({ nonce, ...claims }) => sign(claims, signing),
  wrong_audience: (claims) => sign({ ...claims, aud: 'another-client' }, signing),
  more_audiences: (claims) => sign({ ...claims, aud: [claims.aud, 'another-client'], azp: 'another-client' }, signing),
  wrong_issuer: (claims) => sign({ ...claims, iss: OTHER_ISSUER }, signing),
  expired: (claims) => sign({ ...claims, iat: now() - 7200, exp: now() - 3600 }, signing),
  from_the_future: (claims) => sign({ ...claims, iat: now() + 7200, exp: now() + 10800 }, signing),
  bad_signature: (claims) => sign(claims, stranger),
  no_signature: (claims) => unsigned(claims),
  tampered: async (claims, token) => {
    const [header, , signature] = token.split('.');
    const body = Buffer.from(JSON.stringify({ ...claims, sub: 'somebody-else' })).toString('base64url');
    return `${header}.${body}.${signature}`;
  },
  no_id_token: () => undefined,
};

async function outgoing(ctx, next) {
  await next();
  if (attack && ctx.oidc?.route === 'token' && ctx.body?.id_token && ATTACKS[attack]) {
    ctx.body = { ...ctx.body, id_token: await ATTACKS[attack](decodeJwt(ctx.body.id_token), ctx.body.id_token) };
  }
  if (attack === 'other_userinfo' && ctx.oidc?.route === 'userinfo') ctx.body = { ...ctx.body, sub: 'somebody-else' };
}

function escaped(text) {
  return String(text).replace(/[&<>"]/g, (found) => `&#${found.charCodeAt(0)};`);
}

async function signIn(ctx) {
  const { params } = await provider.interactionDetails(ctx.req, ctx.res);
  let chosen = signsInAs ?? params.login_hint;
  if (ctx.method === 'POST') {
    const parts = [];
    for await (const part of ctx.req) parts.push(part);
    chosen = new URLSearchParams(Buffer.concat(parts).toString()).get('user');
  }
  if (chosen === 'nobody') {
    return provider.interactionFinished(ctx.req, ctx.res, { error: 'access_denied', error_description: 'refused' });
  }
  if (users.has(chosen)) {
    return provider.interactionFinished(ctx.req, ctx.res, { login: { accountId: chosen } });
  }
  const buttons = [...users.keys()].map((id) => `<button name="user" value="${escaped(id)}">${escaped(id)}</button>`);
  ctx.type = 'html';
  ctx.body = `<!doctype html><title>Test provider</title><form method="post">${buttons.join('')}</form>`;
  return undefined;
}

async function interactions(ctx, next) {
  if (!ctx.path.startsWith('/interaction/')) return next();
  return signIn(ctx);
}

const server = createServer();
await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  adapter: Adapter,
  claims: CLAIM_SCOPES,
  conformIdTokenClaims: false,
  cookies: { keys: ['of a provider of the tests'] },
  features: { devInteractions: { enabled: false } },
  findAccount: async (ctx, id) => (users.has(id)
    ? { accountId: id, claims: async () => ({ sub: id, ...users.get(id) }) } : undefined),
  interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
  jwks: { keys: [signing] },
  loadExistingGrant: async (ctx) => {
    const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
    grant.addOIDCScope(Object.keys(CLAIM_SCOPES).join(' '));
    await grant.save();
    return grant;
  },
  pkce: { required: () => true },
  scopes: Object.keys(CLAIM_SCOPES),
  ttl: { Interaction: 600, Session: 600, Grant: 600, AccessToken: 600, AuthorizationCode: 60, IdToken: 600 },
});
provider.use(outgoing);
provider.use(interactions);
server.on('request', provider.callback());

const COMMANDS = {
  user: ({ sub, claims }) => { users.set(sub, claims); },
  client: (wanted) => {
    clients.set(wanted.client_id, {
      grant_types: ['authorization_code'],
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_basic',
      ...wanted,
    });
  },
  sign_in_as: ({ sub }) => { signsInAs = sub; },
  attack: ({ name }) => { attack = name; },
  forget_sessions: () => { for (const key of store.keys()) if (key.startsWith('Session:')) store.delete(key); },
};

const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
say({ issuer, attacks: [...Object.keys(ATTACKS), 'other_userinfo'] });
createInterface({ input: process.stdin }).on('line', (line) => {
  const { command, ...given } = JSON.parse(line);
  COMMANDS[command](given);
  say({ done: command });
}).on('close', () => process.exit(0));
