import { Injectable } from '@nestjs/common';

/** A provider of Nest's, which the controllers and the gateway application share. */
@Injectable()
export class NotesService {
  readonly #notes: string[] = [];

  add(note: string): number {
    return this.#notes.push(note);
  }

  all(): readonly string[] {
    return this.#notes;
  }
}
