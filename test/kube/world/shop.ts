import { join } from 'node:path';
import { ChildPrograms } from './child-programs.js';
import { freePorts } from './free-ports.js';

/** A workload with real traffic and its own /metrics, whose share of errors a scenario changes. */
export class Shop {
  readonly #programs: ChildPrograms;

  private constructor(
    dir: string,
    readonly name: string,
    readonly port: number,
  ) {
    this.#programs = new ChildPrograms(join(dir, `shop-${name}`));
  }

  /** `oneIn`: one of so many requests fails. */
  static async open(
    dir: string,
    name: string,
    traffic: { readonly perSecond: number; readonly oneIn: number },
  ): Promise<Shop> {
    const [port = 0] = await freePorts(1);
    const shop = new Shop(dir, name, port);
    const args = [join(import.meta.dirname, 'shop-program.mjs'), port, traffic.perSecond, traffic.oneIn].map(String);
    shop.#programs.start('shop', process.execPath, args, { NODE_OPTIONS: '' });
    return shop;
  }

  get target(): string {
    return `127.0.0.1:${this.port}`;
  }

  async failOneIn(oneIn: number): Promise<void> {
    await fetch(`http://${this.target}/fail?oneIn=${oneIn}`);
  }

  close(): Promise<void> {
    return this.#programs.stopAll();
  }
}
