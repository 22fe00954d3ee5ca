// A real OpenID provider on a port of this machine, for tests alone. Its own pages ask for
// a name and any password; the name is who signs in. Arguments: the client's id and
// secret, the address that people are sent back to, and the one after signing out.
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const [id, secret, redirect, after] = process.argv.slice(2);
const groups = { mei: ['hub-support'], omar: ['hub-ops', 'all'], guest: ['all'] };

const server = createServer();
server.listen(0, '127.0.0.1', () => {
  // Another name than the hub's, so that a browser takes the two for different sites.
  const issuer = `http://localhost:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{ client_id: id, client_secret: secret, redirect_uris: [redirect], post_logout_redirect_uris: [after], response_types: ['code'], grant_types: ['authorization_code'] }],
    claims: { openid: ['sub'], profile: ['preferred_username', 'name'], email: ['email', 'email_verified'], groups: ['groups'] },
    scopes: ['openid', 'profile', 'email', 'groups'],
    pkce: { required: () => true },
    features: { devInteractions: { enabled: true }, rpInitiatedLogout: { enabled: true } },
    cookies: { keys: ['not a secret: sessions of a test'] },
    async findAccount(_, sub) {
      return { accountId: sub, claims: async () => ({ sub, preferred_username: sub, email: `${sub}@example.com`, email_verified: true, groups: groups[sub] || [] }) };
    },
  });
  server.on('request', provider.callback());
  process.stdout.write(issuer + '\n');
});
process.stdin.resume();
process.stdin.on('end', () => process.exit(0)); // whoever started it has gone
