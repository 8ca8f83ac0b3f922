import type { MessageInitShape } from '@bufbuild/protobuf';
import type { AgentReport, Finding, Progress } from '@wavegate/fleet';
import { fromWireDrain, toWireDrain } from './drain-mapper.js';
import { fromWireFacts, toWireFacts } from './facts-mapper.js';
import type {
  AgentMessage,
  AgentMessageSchema,
  Finding as WireFinding,
  FindingSchema,
  Progress as WireProgress,
  ProgressSchema,
} from './gen/wavegate/agent/v1/gateway_pb.js';
import { fromWireOutcome, toWireOutcome } from './outcome-mapper.js';
import { fromWireReason, toWireReason } from './reason-mapper.js';
import { fromWireReceipt, toWireReceipt } from './receipt-mapper.js';
import { fromWireJudged, fromWireMeasured, toWireJudged, toWireMeasured } from './samples-mapper.js';
import { fromWireVerdict, toWireVerdict } from './verdict-mapper.js';
import { malformed } from './wire-problem.js';
import { carried, present, safeNumber, sendable, wireInteger } from './wire-values.js';

/** A body as it is handed to `create(AgentMessageSchema, …)`. */
export type AgentBody = NonNullable<MessageInitShape<typeof AgentMessageSchema>['body']>;

export function toWireReport(report: AgentReport): AgentBody {
  switch (report.kind) {
    case 'facts':
      return { case: 'facts', value: toWireFacts(report.facts) };
    case 'orderAccepted':
      return { case: 'orderAccepted', value: { orderId: report.orderId, epoch: wireInteger(report.epoch) } };
    case 'orderRefused':
      return { case: 'orderRefused', value: { orderId: report.orderId, reason: toWireReason(report.reason) } };
    case 'orderWithdrawn':
      return { case: 'orderWithdrawn', value: { orderId: report.orderId, started: report.started } };
    case 'progress':
      return { case: 'progress', value: toWireProgress(report.progress) };
    case 'findings':
      return { case: 'findings', value: { orderId: report.orderId, findings: report.findings.map(toWireFinding) } };
    case 'receipt':
      return { case: 'receipt', value: { orderId: report.orderId, receipt: toWireReceipt(report.receipt) } };
    case 'verdict':
      return {
        case: 'verdict',
        value: {
          ...{ orderId: report.orderId, phase: report.phase, verdict: toWireVerdict(report.verdict) },
          ...(report.samples && { samples: toWireJudged(report.samples) }),
        },
      };
    case 'samples':
      return { case: 'samples', value: toWireMeasured(report.samples) };
    case 'outcome':
      return {
        case: 'outcome',
        value: { orderId: report.orderId, epoch: wireInteger(report.epoch), outcome: toWireOutcome(report.outcome) },
      };
  }
}

/** Throws WireProblem for a body that is no report, or one that this release cannot read. */
export function fromWireReport(body: AgentMessage['body']): AgentReport {
  switch (body.case) {
    case 'facts':
      return { kind: 'facts', facts: fromWireFacts(body.value) };
    case 'orderAccepted':
      return { kind: 'orderAccepted', orderId: orderOf(body.value), epoch: safeNumber(body.value.epoch, 'epoch') };
    case 'orderRefused':
      return { kind: 'orderRefused', orderId: orderOf(body.value), reason: fromWireReason(body.value.reason) };
    case 'orderWithdrawn':
      return { kind: 'orderWithdrawn', orderId: orderOf(body.value), started: body.value.started };
    case 'progress':
      return { kind: 'progress', progress: fromWireProgress(body.value) };
    case 'findings':
      return { kind: 'findings', orderId: orderOf(body.value), findings: body.value.findings.map(fromWireFinding) };
    case 'receipt':
      return { kind: 'receipt', orderId: orderOf(body.value), receipt: fromWireReceipt(body.value.receipt) };
    case 'verdict':
      return {
        kind: 'verdict',
        orderId: orderOf(body.value),
        phase: carried(body.value.phase),
        verdict: fromWireVerdict(body.value.verdict),
        ...(body.value.samples && { samples: fromWireJudged(body.value.samples) }),
      };
    case 'samples':
      return { kind: 'samples', samples: fromWireMeasured(body.value) };
    case 'outcome':
      return {
        kind: 'outcome',
        orderId: orderOf(body.value),
        epoch: safeNumber(body.value.epoch, 'epoch'),
        outcome: fromWireOutcome(body.value.outcome),
      };
    default:
      throw malformed(body.case === undefined ? 'a body that this release does not know' : `${body.case} is no report`);
  }
}

function orderOf(value: { readonly orderId: string }): string {
  return present(value.orderId, 'order_id');
}

function toWireProgress(progress: Progress): MessageInitShape<typeof ProgressSchema> {
  return {
    orderId: progress.orderId,
    phase: progress.phase,
    reason: toWireReason(progress.reason),
    sinceUnixMs: wireInteger(progress.since),
    nodesDone: progress.nodesDone,
    nodesTotal: progress.nodesTotal,
    drains: (progress.drains ?? []).map(toWireDrain),
    ...(progress.samples && { samples: toWireJudged(progress.samples) }),
  };
}

function fromWireProgress(wire: WireProgress): Progress {
  return {
    orderId: orderOf(wire),
    phase: carried(wire.phase),
    reason: fromWireReason(wire.reason),
    since: safeNumber(wire.sinceUnixMs, 'progress.since'),
    nodesDone: wire.nodesDone,
    nodesTotal: wire.nodesTotal,
    ...(wire.drains.length > 0 ? { drains: wire.drains.map(fromWireDrain) } : {}),
    ...(wire.samples && { samples: fromWireJudged(wire.samples) }),
  };
}

function toWireFinding({ pods = [], ...finding }: Finding): MessageInitShape<typeof FindingSchema> {
  const shown = { message: sendable(finding.message), remedy: sendable(finding.remedy) };
  return { ...finding, ...shown, pods: pods.map(({ pod, node, pdb }) => ({ pod, node, pdb })) };
}

function fromWireFinding(wire: WireFinding): Finding {
  return {
    code: present(wire.code, 'finding.code'),
    severity: carried(wire.severity),
    object: wire.object,
    message: wire.message,
    remedy: wire.remedy,
    owner: wire.owner,
    ...(wire.phase === 'after' ? { phase: wire.phase } : {}),
    ...(wire.pods.length > 0 ? { pods: wire.pods.map(({ pod, node, pdb }) => ({ pod, node, pdb })) } : {}),
  };
}
