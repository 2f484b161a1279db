/** Where a command prints, so that commands run in tests and behind other fronts as they do in a terminal. */
export interface CliIo {
  /** Results; with `json` exactly one document. Adds no line end of its own. */
  stdout(text: string): void;
  /** Progress and remarks. */
  stderr(text: string): void;
  /** Someone can answer questions and watch a progress bar. */
  readonly isTty: boolean;
  readonly json: boolean;
}
