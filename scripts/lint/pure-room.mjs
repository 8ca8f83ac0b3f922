// ESLint rule: what a pure room never says, and what a room that acts only through ports never says.
// A decision that reads a clock, a random number or the world cannot be replayed, and one that waits cannot be interleaved.
import { relative, sep } from 'node:path';
import { isSpec, roomOf } from './rooms.mjs';

const worldly = [
  'process', 'require', 'globalThis', 'global', 'window', 'self', 'performance', 'crypto', 'fetch', 'console', 'navigator',
  'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'clearTimeout', 'clearInterval', 'clearImmediate',
  'Buffer', 'WebSocket', 'XMLHttpRequest', 'EventSource', 'eval', 'Function', 'SharedArrayBuffer', 'Atomics',
]; // prettier-ignore

const reasons = {
  Date: 'time is an argument (`at`, epoch ms)',
  Promise: 'a decision does not wait',
};

/** True where a name stands for a value or a type, not for a property or a key of that spelling. */
function isReference(node) {
  const parent = node.parent;
  if (parent.type === 'MemberExpression') return parent.object === node || parent.computed;
  if (parent.type === 'TSQualifiedName') return parent.left === node;
  const keyed = [
    'Property',
    'PropertyDefinition',
    'MethodDefinition',
    'TSPropertySignature',
    'TSMethodSignature',
    'TSEnumMember',
  ];
  if (keyed.includes(parent.type)) return parent.value === node || parent.computed;
  return !['ImportSpecifier', 'ExportSpecifier', 'ImportAttribute', 'MetaProperty'].includes(parent.type);
}

/** A local variable or parameter of the same name hides the global one. */
function isGlobal(sourceCode, node) {
  for (let scope = sourceCode.getScope(node); scope; scope = scope.upper) {
    const variable = scope.set.get(node.name);
    if (variable) return variable.defs.length === 0;
  }
  return true;
}

function memberOf(node) {
  const parent = node.parent;
  if (parent.type !== 'MemberExpression' || parent.object !== node) return undefined;
  return parent.computed ? parent.property.value : parent.property.name;
}

/** `Date()`, `new Date()` and `Date.now` read the clock; `new Date(at)` only formats. */
function readsTheClock(node) {
  if (memberOf(node) === 'now') return true;
  const parent = node.parent;
  if (parent.type === 'CallExpression' && parent.callee === node) return true;
  return parent.type === 'NewExpression' && parent.callee === node && parent.arguments.length === 0;
}

function whyNotName(kind, node) {
  if (node.name === 'Math')
    return memberOf(node) === 'random' ? 'Math.random: chance is an argument (a seed)' : undefined;
  if (node.name === 'Date') {
    if (kind === 'ported' && !readsTheClock(node)) return undefined;
    return `Date: ${kind === 'pure' ? reasons.Date : 'the clock is a port'}`;
  }
  if (node.name === 'Promise') return kind === 'pure' ? `Promise: ${reasons.Promise}` : undefined;
  return worldly.includes(node.name) ? `${node.name}: the world is reached through ports only` : undefined;
}

export const pureRoom = {
  meta: { type: 'problem', schema: [], messages: { impure: '{{kind}} room: no {{why}}' } },
  create(context) {
    const path = relative(context.cwd, context.filename).split(sep).join('/');
    const kind = roomOf(path)?.kind;
    if (!['pure', 'ported'].includes(kind) || isSpec(path)) return {};
    const report = (node, why) => context.report({ node, messageId: 'impure', data: { kind, why } });
    const everywhere = {
      Identifier(node) {
        // Temporal.Now is the clock in its newest clothes, imported or global.
        if (node.name === 'Temporal' && memberOf(node) === 'Now')
          return report(node, 'Temporal.Now: the clock is not read here');
        const why = isReference(node) && whyNotName(kind, node);
        if (why && isGlobal(context.sourceCode, node)) report(node, why);
      },
    };
    if (kind === 'ported') return everywhere;
    const waiting = (node) => node.async && report(node, 'async: a decision does not wait');
    return {
      ...everywhere,
      FunctionDeclaration: waiting,
      FunctionExpression: waiting,
      ArrowFunctionExpression: waiting,
      AwaitExpression: (node) => report(node, 'await: a decision does not wait'),
      ForOfStatement: (node) => node.await && report(node, 'for await: a decision does not wait'),
      ImportExpression: (node) => report(node, 'import(): a decision does not load code'),
    };
  },
};
