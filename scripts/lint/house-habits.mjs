// Small ESLint rules for habits that no ready-made rule knows.
import { relative, sep } from 'node:path';
import { refusedNames } from './rooms.mjs';

const kebab = /^[a-z0-9]+(-[a-z0-9]+)*$/;

/** Files are named for their one main thing, in kebab-case; no room without a reason to say no. */
const fileName = {
  meta: { type: 'problem', schema: [], messages: { name: 'name: {{why}}' } },
  create(context) {
    const parts = relative(context.cwd, context.filename).split(sep);
    if (parts[0] === '..') return {};
    return {
      Program(node) {
        for (const part of parts) {
          const words = part.split('.').slice(0, part === parts.at(-1) ? -1 : undefined);
          const refused = words.find((word) => refusedNames.includes(word));
          if (refused) return report(node, `"${part}": "${refused}" has no reason to say no; name the one main thing`);
        }
        const odd = parts
          .at(-1)
          .split('.')
          .filter(Boolean)
          .slice(0, -1)
          .find((word) => !kebab.test(word));
        if (odd) report(node, `"${parts.at(-1)}" is not kebab-case`);
      },
    };
    function report(node, why) {
      context.report({ node, messageId: 'name', data: { why } });
    }
  },
};

/** Four parameters per function; a constructor is handed its collaborators and may have eight. */
const parameters = {
  meta: {
    type: 'suggestion',
    schema: [],
    messages: { many: '{{count}} parameters, at most {{max}}; pass one object instead' },
  },
  create(context) {
    const check = (node) => {
      const max = node.parent?.kind === 'constructor' ? 8 : 4;
      const count = node.params.filter((param) => param.type !== 'Identifier' || param.name !== 'this').length;
      if (count > max) context.report({ node, messageId: 'many', data: { count, max } });
    };
    return { FunctionDeclaration: check, FunctionExpression: check, ArrowFunctionExpression: check };
  },
};

/** A rule is switched off only beside its reason: `eslint-disable-next-line rule -- because …`. */
const reasonedDisable = {
  meta: {
    type: 'problem',
    schema: [],
    messages: { reason: 'eslint-disable without a reason; write `-- why` behind it' },
  },
  create: (context) => ({
    Program() {
      for (const comment of context.sourceCode.getAllComments()) {
        const text = comment.value.trim();
        if (text.startsWith('eslint-disable') && !/\s--\s+\S/.test(text)) {
          context.report({ loc: comment.loc, messageId: 'reason' });
        }
      }
    },
  }),
};

/** Skipped and exclusive tests hide what they were written to show. */
const runningTests = {
  meta: { type: 'problem', schema: [], messages: { idle: '{{what}} leaves tests out' } },
  create: (context) => ({
    CallExpression(node) {
      const { callee } = node;
      const name = callee.type === 'MemberExpression' ? `${callee.object.name}.${callee.property.name}` : callee.name;
      const idle = /^((it|test|describe)\.(skip|only|todo)|[xf](it|describe|test))$/;
      if (idle.test(name ?? '')) context.report({ node, messageId: 'idle', data: { what: name } });
    },
  }),
};

export const houseHabits = {
  'file-name': fileName,
  parameters,
  'reasoned-disable': reasonedDisable,
  'running-tests': runningTests,
};
