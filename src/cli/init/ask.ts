import { UsageError } from '../usage-error.js';

/** Questions on a terminal. */
export interface Ask {
  text(message: string, fallback?: string): Promise<string>;
  secret(message: string): Promise<string>;
  one(message: string, choices: readonly string[]): Promise<string>;
  /** At least one of the choices; those in `checked` are marked to begin with. */
  several(message: string, choices: readonly string[], checked: readonly string[]): Promise<string[]>;
}

export interface AskStreams {
  readonly input?: NodeJS.ReadableStream;
  readonly output?: NodeJS.WritableStream;
}

/** Asks on stderr, so that stdout stays for results. @throws UsageError when the person stops with Ctrl-C. */
export async function createAsk({ input = process.stdin, output = process.stderr }: AskStreams = {}): Promise<Ask> {
  const prompts = await import('@inquirer/prompts');
  const context = { input, output };
  const asked = async <T>(question: Promise<T>): Promise<T> => {
    try {
      return await question;
    } catch (error) {
      if (error instanceof Error && error.name === 'ExitPromptError') {
        throw new UsageError('Stopped; nothing was written');
      }
      throw error;
    }
  };
  return {
    text: (message, fallback) =>
      asked(
        prompts.input({ message, required: true, ...(fallback === undefined ? {} : { default: fallback }) }, context),
      ),
    secret: (message) => asked(prompts.password({ message, mask: true }, context)),
    one: (message, choices) =>
      asked(prompts.select({ message, choices: choices.map((value) => ({ value })) }, context)),
    several: (message, choices, checked) =>
      asked(
        prompts.checkbox(
          {
            message,
            required: true,
            choices: choices.map((value) => ({ value, checked: checked.includes(value) })),
          },
          context,
        ),
      ),
  };
}
