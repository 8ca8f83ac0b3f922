import { isBetweenHops, isPendingRollback, isUnbegun, isWithdrawing } from './cluster-standing.js';
import { Line } from './line.js';
import { calendarKey, type PlanView } from './plan-view.js';
import type { RolloutCluster } from './rollout.js';

/**
 * candidates    not started, agent there: one list per wave, ring and calendar, whose members pass or fail the start
 *               gates together. Time: since when its agent says that it is busy; -Infinity where it is not
 * away          not started, agent silent: one list per wave. Time: since when
 * ordered       order out, not begun, not being taken back. Time: since when
 * running       begun, as it should be. Time: since when
 * stopping      begun, and asked to stop. Time: since when
 * overdue       begun, past its deadline, a person has been told
 * betweenHops   hop done, the next not ordered; one list for what a decision would say to all of it alike
 * hopAway       the same, agent silent
 * lost          begun, then silent
 * rollbacks     a person asked for their rollback; they wait for a slot
 *
 * Rows that are done are in no list, nor are orders that are being taken back before they began: only an answer moves
 * them.
 */
export type ListKind =
  | 'candidates'
  | 'away'
  | 'ordered'
  | 'running'
  | 'stopping'
  | 'overdue'
  | 'betweenHops'
  | 'hopAway'
  | 'lost'
  | 'rollbacks';

export interface RowList {
  readonly kind: ListKind;
  /** Of candidates and those away; 0 elsewhere. */
  readonly wave: number;
  /** Of candidates; null elsewhere, for canaries and where the plan has no rings. */
  readonly ring: number | null;
  readonly line: Line;
}

/** Where a row stands: the key of its list, and its time in it. */
interface Place {
  readonly key: string;
  readonly kind: ListKind;
  readonly position: number;
  readonly time: number;
}

/**
 * What a decision asks of all rows, kept up row by row, so that it never has to look at them all. It follows from the
 * rows alone: the property in indexed-clusters.spec.ts says that an index kept up by changes equals one built afresh.
 */
export class RowIndex {
  private constructor(
    private readonly view: PlanView,
    private readonly lists: Map<string, RowList>,
    /** Rows that are not done, by ring. */
    private readonly rings: Map<number, number>,
  ) {}

  static of(view: PlanView, rows: Iterable<RolloutCluster>): RowIndex {
    const index = new RowIndex(view, new Map(), new Map());
    const members = new Map<string, [position: number, time: number][]>();
    for (const row of rows) {
      index.count(row, 1);
      const place = placeOf(view, row);
      if (!place) continue;
      const some = members.get(place.key);
      if (some) some.push([row.position, place.time]);
      else {
        members.set(place.key, [[row.position, place.time]]);
        index.lists.set(place.key, listOf(place.kind, row));
      }
    }
    for (const [key, list] of index.lists) index.lists.set(key, { ...list, line: Line.of(members.get(key) ?? []) });
    return index;
  }

  /** A copy to go on from; costs as much as there are lists, not rows. */
  fork(): RowIndex {
    return new RowIndex(this.view, new Map(this.lists), new Map(this.rings));
  }

  /** Takes a changed row in; null: the row came, or went. Frozen about a row are its wave, position, ring and labels. */
  move(before: RolloutCluster | null, after: RolloutCluster | null): void {
    if (before) this.count(before, -1);
    if (after) this.count(after, 1);
    const from = before && placeOf(this.view, before);
    const to = after && placeOf(this.view, after);
    if (from && !isSameMember(from, to)) this.leave(from);
    if (after && to) this.enter(after, to);
  }

  private leave({ key, position }: Place): void {
    const list = this.lists.get(key);
    const line = list?.line.without(position);
    if (!list || !line || line.isEmpty) this.lists.delete(key);
    else this.lists.set(key, { ...list, line });
  }

  private enter(row: RolloutCluster, { key, kind, position, time }: Place): void {
    const list = this.lists.get(key) ?? listOf(kind, row);
    const line = list.line.with(position, time);
    if (line !== list.line) this.lists.set(key, { ...list, line });
  }

  /** The lists of a kind that have a member. */
  listsOf(...kinds: readonly ListKind[]): readonly RowList[] {
    const found: RowList[] = [];
    for (const list of this.lists.values()) if (kinds.includes(list.kind)) found.push(list);
    return found;
  }

  /** The one list of a kind that has no more than one. */
  line(kind: Exclude<ListKind, 'candidates' | 'away' | 'betweenHops'>): Line {
    return this.lists.get(kind)?.line ?? Line.EMPTY;
  }

  /** Lowest ring with a cluster that is not done: later rings wait for it. Infinity when there is none. */
  get barrier(): number {
    return Math.min(Infinity, ...this.rings.keys());
  }

  /** All that it knows, in an order of its own: equal for equal rows. */
  contents(): readonly string[] {
    const lists = [...this.lists].map(([key, { kind, wave, ring, line }]) => {
      const members = [...line].map(([position, time]) => `${position}@${time}`);
      return `${key} (${kind}, wave ${wave}, ring ${ring}): ${members.join(' ')}`;
    });
    return [...lists, ...[...this.rings].map(([ring, count]) => `ring ${ring}: ${count} not done`)].sort();
  }

  private count({ phase, ring }: RolloutCluster, by: 1 | -1): void {
    if (ring === null || phase === 'done') return;
    const count = (this.rings.get(ring) ?? 0) + by;
    if (count === 0) this.rings.delete(ring);
    else this.rings.set(ring, count);
  }
}

function listOf(kind: ListKind, { wave, ring }: RolloutCluster): RowList {
  const ofWave = kind === 'candidates' || kind === 'away';
  return { kind, wave: ofWave ? wave : 0, ring: kind === 'candidates' ? ring : null, line: Line.EMPTY };
}

function isSameMember(one: Place, other: Place | null): boolean {
  return other !== null && one.key === other.key && one.position === other.position;
}

function placeOf(view: PlanView, row: RolloutCluster): Place | null {
  switch (row.phase) {
    case 'done':
      return null;
    case 'waiting':
      return isPendingRollback(row) ? alone('rollbacks', row) : startPlace(view, row);
    case 'lost':
      return alone('lost', row);
    case 'ordered':
    case 'upgrading':
    case 'rollingBack':
      return workPlace(view, row);
  }
}

function startPlace(view: PlanView, row: RolloutCluster): Place {
  const { wave, position, ring, offlineSince } = row;
  if (offlineSince !== null) return { kind: 'away', key: `away/${wave}`, position, time: offlineSince };
  const time = row.reason.code === 'agent_busy' ? row.since : -Infinity;
  return { kind: 'candidates', key: `candidates/${wave}/${ring}/${calendarKey(view, row.labels)}`, position, time };
}

function workPlace(view: PlanView, row: RolloutCluster): Place | null {
  const { code } = row.reason;
  if (isUnbegun(row)) return isWithdrawing(code) || row.orderId === null ? null : alone('ordered', row, row.since);
  if (isBetweenHops(row)) return hopPlace(view, row);
  if (code === 'deadline_passed') return alone('overdue', row);
  return alone(isWithdrawing(code) ? 'stopping' : 'running', row, row.since);
}

/** By calendar and by the reason told: where the first of a list stands as it was told, so do the others. */
function hopPlace(view: PlanView, row: RolloutCluster): Place {
  if (row.offlineSince !== null) return alone('hopAway', row);
  const key = `betweenHops/${calendarKey(view, row.labels)}/${JSON.stringify(row.reason)}`;
  return { kind: 'betweenHops', key, position: row.position, time: 0 };
}

/** In the one list of its kind. */
function alone(kind: ListKind, { position }: RolloutCluster, time = 0): Place {
  return { kind, key: kind, position, time };
}
