// Which of the trusted issuers a token names, and whose name its subject then goes by. Pure.
import type { JWTPayload } from 'jose';
import { isTemplate, ofTenant } from '../config/issuer-name.ts';
import type { Issuer } from '../config/types.ts';

/** As tenants are written in the names of issuers: nothing that could make two of them look like one. */
const TENANT = /^[\w.-]{1,255}$/;

/** The name of the issuer that a token comes from, if it is this one: however it is spelled, its subjects are the same. */
export const issuerName = ({ issuer, spellings }: Issuer, { iss, tid }: JWTPayload): string | undefined => {
  if (issuer === undefined) return typeof iss === 'string' ? iss : '';
  if (!isTemplate(issuer))
    return issuer === iss || spellings.some((each) => each === iss) ? issuer : undefined;
  if (typeof tid !== 'string' || !TENANT.test(tid)) return undefined;
  const isNamed = [issuer, ...spellings].some((each) => ofTenant(each, tid) === iss);
  return isNamed ? ofTenant(issuer, tid) : undefined;
};

/** What the subjects of any of these issuers go by, from any spelling of one; undefined for an issuer that is not trusted. */
export const subjectIssuer = (issuers: readonly Issuer[], name: string): string | undefined =>
  issuers.map((issuer) => issuerName(issuer, { iss: name, tid: tenantIn(issuer, name) })).find(isText);

const isText = (name: string | undefined): boolean => name !== undefined;

/** The tenant in a name of an issuer of many. */
const tenantIn = ({ issuer = '', spellings }: Issuer, name: string): string | undefined =>
  name.split('/').find((part) => [issuer, ...spellings].some((each) => ofTenant(each, part) === name));

/** Whether a key of a set that serves every tenant may sign for this one: some are a single tenant's. */
export const mayKeySign = (keyIssuer: string | undefined, { tid }: JWTPayload): boolean =>
  keyIssuer === undefined || isTemplate(keyIssuer) || keyIssuer.split('/').some((part) => part === tid);
