import { HalfspaceError } from '../contract/failures.js';

/**
 * A channel's address, checked once at the start. The address is a secret: the error names the channel instead.
 * @throws HalfspaceError `BadSettings` when it is no http or https address, or carries a user name or password.
 */
export function parseChannelUrl(channel: string, setting: string, address: string): URL {
  if (!URL.canParse(address)) throw badUrl(channel, setting, 'an http or https address, and it is none');
  const url = new URL(address);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw badUrl(channel, setting, `an http or https address, not ${url.protocol}`);
  }
  if (url.username !== '' || url.password !== '') {
    throw badUrl(channel, setting, 'an address without user name and password; send them as an `authorization` header');
  }
  return url;
}

function badUrl(channel: string, setting: string, expected: string): HalfspaceError {
  return new HalfspaceError(
    'BadSettings',
    `Alert channel \`${channel}\`: expected \`${setting}\` to be ${expected} (check the variable it comes from)`,
  );
}
