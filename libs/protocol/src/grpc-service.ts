import {
  fromBinary,
  toBinary,
  type DescMessage,
  type DescMethod,
  type DescService,
  type MessageShape,
} from '@bufbuild/protobuf';
import {
  Client,
  Metadata,
  type CallOptions,
  type ClientDuplexStream,
  type MethodDefinition,
  type ServerDuplexStream,
  type ServiceDefinition,
  type handleUnaryCall,
} from '@grpc/grpc-js';
import {
  EnrolmentService,
  type EnrolRequest,
  type EnrolResponse,
  type RenewRequest,
  type RenewResponse,
} from './gen/wavegate/agent/v1/enrolment_pb.js';
import { AgentGatewayService, type AgentMessage, type HubMessage } from './gen/wavegate/agent/v1/gateway_pb.js';

/**
 * Bytes that are no message of the expected type. grpc-js would end the call by itself with INTERNAL, and neither side
 * would learn why; as a value it reaches the reader, which refuses it by name and counts it.
 */
export class Unreadable {
  constructor(readonly bytes: number) {}
}

export type Read<T> = T | Unreadable;

/** The gateway call as the hub's handler sees it. */
export type GatewayCall = ServerDuplexStream<Read<AgentMessage>, HubMessage>;

export interface EnrolmentHandlers {
  enrol: handleUnaryCall<EnrolRequest, EnrolResponse>;
  renew: handleUnaryCall<RenewRequest, RenewResponse>;
}

/** protobuf-es service descriptors as grpc-js wants them; streams read bad bytes as `Unreadable`. */
export function toServiceDefinition(service: DescService): ServiceDefinition {
  return Object.fromEntries(service.methods.map((method) => [method.localName, toMethod(service, method)]));
}

export const gatewayDefinition = toServiceDefinition(AgentGatewayService);
export const enrolmentDefinition = toServiceDefinition(EnrolmentService);

function toMethod(service: DescService, method: DescMethod): MethodDefinition<unknown, unknown> {
  const { input, output, methodKind } = method;
  const streams = methodKind !== 'unary';
  return {
    path: `/${service.typeName}/${method.name}`,
    requestStream: methodKind === 'client_streaming' || methodKind === 'bidi_streaming',
    responseStream: methodKind === 'server_streaming' || methodKind === 'bidi_streaming',
    requestSerialize: serializer(input),
    responseSerialize: serializer(output),
    requestDeserialize: streams ? tolerantDeserializer(input) : deserializer(input),
    responseDeserialize: streams ? tolerantDeserializer(output) : deserializer(output),
    originalName: method.localName,
  };
}

function serializer(schema: DescMessage): (value: unknown) => Buffer {
  return (value) => {
    const bytes = toBinary(schema, value as MessageShape<DescMessage>);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };
}

function deserializer(schema: DescMessage): (bytes: Buffer) => unknown {
  return (bytes) => fromBinary(schema, bytes);
}

function tolerantDeserializer(schema: DescMessage): (bytes: Buffer) => unknown {
  return (bytes) => {
    try {
      return fromBinary(schema, bytes);
    } catch {
      return new Unreadable(bytes.length);
    }
  };
}

/** The agent's end of the gateway. One client, one connection, one stream. */
export class AgentGatewayClient extends Client {
  connect(options: CallOptions = {}): ClientDuplexStream<AgentMessage, Read<HubMessage>> {
    const method = methodOf(gatewayDefinition, 'connect');
    return this.makeBidiStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize as (bytes: Buffer) => Read<HubMessage>,
      new Metadata(),
      options,
    );
  }
}

/** The agent's end of enrolment; rejects with grpc-js's ServiceError. */
export class EnrolmentClient extends Client {
  enrol(request: EnrolRequest, deadlineMs: number): Promise<EnrolResponse> {
    return this.#call('enrol', request, deadlineMs);
  }

  renew(request: RenewRequest, deadlineMs: number): Promise<RenewResponse> {
    return this.#call('renew', request, deadlineMs);
  }

  #call<Request, Response>(name: string, request: Request, deadlineMs: number): Promise<Response> {
    const method = methodOf(enrolmentDefinition, name);
    return new Promise((resolve, reject) => {
      this.makeUnaryRequest(
        method.path,
        method.requestSerialize as (value: Request) => Buffer,
        method.responseDeserialize as (bytes: Buffer) => Response,
        request,
        new Metadata(),
        { deadline: Date.now() + deadlineMs },
        (error, response) => (error ? reject(error) : resolve(response as Response)),
      );
    });
  }
}

function methodOf(definition: ServiceDefinition, name: string): MethodDefinition<unknown, unknown> {
  const method = definition[name];
  if (!method) throw new TypeError(`no method ${name}`);
  return method as MethodDefinition<unknown, unknown>;
}
