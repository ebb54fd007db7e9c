import { Controller, Dependencies, Get, Module } from '@nestjs/common';
import { NotesService } from './notes.service.js';

/** Routes that are Nest's own, beside the mount and below it. */
@Controller()
@Dependencies(NotesService)
class NotesController {
  readonly #notes: NotesService;

  constructor(notes: NotesService) {
    this.#notes = notes;
  }

  @Get('count')
  count(): { count: number } {
    return { count: this.#notes.all().length };
  }

  /** The gateway application answers 404 here, and so leaves the request to this route. */
  @Get('notes/latest')
  latest(): { latest: string | null } {
    return { latest: this.#notes.all().at(-1) ?? null };
  }
}

@Module({ controllers: [NotesController], providers: [NotesService] })
export class AppModule {}
