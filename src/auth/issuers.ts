// Which trusted issuer a token names, and the name that its subjects are counted under. Pure.
import type { JWTPayload } from 'jose';
import { isTemplate, ofTenant } from '../config/issuer-name.ts';
import type { Issuer } from '../config/types.ts';

/** A tenant as it stands in an issuer's name: no character that could make two tenants look like one. */
const TENANT = /^[\w.-]{1,255}$/;

/** This issuer's name, if the token comes from it: the same for every spelling, so that its subjects are the same too. */
export const issuerName = ({ issuer, spellings }: Issuer, { iss, tid }: JWTPayload): string | undefined => {
  if (issuer === undefined) return typeof iss === 'string' ? iss : '';
  if (!isTemplate(issuer))
    return issuer === iss || spellings.some((each) => each === iss) ? issuer : undefined;
  if (typeof tid !== 'string' || !TENANT.test(tid)) return undefined;
  const isNamed = [issuer, ...spellings].some((each) => ofTenant(each, tid) === iss);
  return isNamed ? ofTenant(issuer, tid) : undefined;
};

/** The name that an issuer's subjects are counted under, by any of its spellings; undefined if it is not trusted. */
export const subjectIssuer = (issuers: readonly Issuer[], name: string): string | undefined =>
  issuers.map((issuer) => issuerName(issuer, { iss: name, tid: tenantIn(issuer, name) })).find(isText);

const isText = (name: string | undefined): boolean => name !== undefined;

/** The tenant in the name of an issuer that serves many. */
const tenantIn = ({ issuer = '', spellings }: Issuer, name: string): string | undefined =>
  name.split('/').find((part) => [issuer, ...spellings].some((each) => ofTenant(each, part) === name));

/** Whether a key of a set for many tenants may sign for this token's tenant: some keys belong to a single one. */
export const mayKeySign = (keyIssuer: string | undefined, { tid }: JWTPayload): boolean =>
  keyIssuer === undefined || isTemplate(keyIssuer) || keyIssuer.split('/').some((part) => part === tid);
