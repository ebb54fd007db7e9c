import type { Case } from '../scenario.ts';
import { body } from './body.ts';
import { head } from './head.ts';
import { right } from './right.ts';
import { server } from './server.ts';

/** The validator's table. */
export const CASES: readonly Case[] = [...right, ...server, ...head, ...body];
