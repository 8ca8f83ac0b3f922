import type { CrowdAnswer, CrowdOrder } from './crowd-words.js';
import { MeasuredProgram } from './measured-program.js';

type Answered<K extends CrowdAnswer['kind']> = Extract<CrowdAnswer, { kind: K }>;

/** The bench's end of a crowd: one order, one answer. */
export class CrowdProgram {
  readonly program: MeasuredProgram;

  constructor(bundle: string, logFile: string, core: number | null) {
    this.program = new MeasuredProgram([process.execPath, bundle], { logFile, core, channel: true });
  }

  tell<K extends CrowdAnswer['kind']>(order: CrowdOrder, answer: K): Promise<Answered<K>> {
    const { child } = this.program;
    return new Promise((resolve, reject) => {
      const onMessage = (message: unknown): void => {
        child.off('exit', onExit);
        const heard = message as CrowdAnswer;
        if (heard.kind === answer) resolve(heard as Answered<K>);
        else reject(new Error(heard.kind === 'failed' ? heard.message : `answered ${heard.kind} to ${order.kind}`));
      };
      const onExit = (): void => {
        child.off('message', onMessage);
        reject(new Error(`a crowd of agents ended:\n${this.program.log.slice(-2_000)}`));
      };
      child.once('message', onMessage);
      child.once('exit', onExit);
      child.send(order);
    });
  }
}
