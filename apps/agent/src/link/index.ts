export { makeCertificateRequest, type CertificateRequest } from './certificate-request.js';
export { enrol, renew, type EnrolOptions } from './enrol.js';
export { EnrolmentRefused } from './enrolment-refused.js';
export { GrpcHubLink, type GrpcHubLinkOptions } from './grpc-hub-link.js';
export { StreamEnded } from './grpc-hub-stream.js';
export { FileIdentityStore, lifeOf, type AgentIdentity, type IdentityStore } from './identity.js';
