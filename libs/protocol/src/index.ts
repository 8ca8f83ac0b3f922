export * from './command-mapper.js';
export * from './facts-mapper.js';
export * from './grpc-service.js';
export * from './limits.js';
export * from './order-mapper.js';
export * from './reason-mapper.js';
export * from './renewal-proof.js';
export * from './report-mapper.js';
export * from './session-mapper.js';
export * from './status-reason.js';
export * from './window.js';
export * from './wire-problem.js';
export { safeNumber } from './wire-values.js';
export {
  AgentMessageSchema,
  HubMessageSchema,
  type AgentMessage,
  type HubMessage,
} from './gen/wavegate/agent/v1/gateway_pb.js';
export {
  EnrolRequestSchema,
  EnrolResponseSchema,
  RenewRequestSchema,
  RenewResponseSchema,
  type CertificateChain,
  type EnrolRequest,
  type EnrolResponse,
  type RenewRequest,
  type RenewResponse,
} from './gen/wavegate/agent/v1/enrolment_pb.js';
