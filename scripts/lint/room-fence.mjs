// ESLint rule: holds the import table of rooms.mjs.
import { existsSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join, posix, relative, sep } from 'node:path';
import { isSpec, roomOf, specLibraries, specNodeModules } from './rooms.mjs';

const declaredByRoom = new Map();

/** The packages that the room's own package.json declares. */
function declared(cwd, room) {
  if (!declaredByRoom.has(room)) {
    const file = join(cwd, room, 'package.json');
    const manifest = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
    declaredByRoom.set(room, new Set(Object.keys({ ...manifest.dependencies, ...manifest.devDependencies })));
  }
  return declaredByRoom.get(room);
}

function packageOf(specifier) {
  const parts = specifier.split('/');
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : parts[0];
}

function isNodeModule(specifier) {
  return specifier.startsWith('node:') || builtinModules.includes(specifier);
}

function listed(names) {
  return names.length > 0 ? names.join(', ') : 'nothing';
}

/** Why a relative import is refused, or undefined. It may not leave the room: the door is the package name. */
function whyNotRelative({ path, room, specifier }) {
  const target = posix.normalize(posix.join(posix.dirname(path), specifier));
  if (target.startsWith(`${room.name}/src/`) || target === `${room.name}/package.json`) return undefined;
  return `"${specifier}" leaves the room ${room.name}; enter another room by its door (@wavegate/<room>)`;
}

function whyNotRoom({ path, room, specifier }) {
  if (!room.rooms.includes(specifier)) {
    const deep = room.rooms.some((door) => specifier.startsWith(`${door}/`));
    if (deep) return `"${specifier}" is a deep import; import only from the door of a room`;
    return `${room.name} may not import ${specifier}; it may import ${listed(room.rooms)}`;
  }
  const words = room.onlyIn?.[specifier];
  if (words && !isSpec(path) && !words.some((word) => path.includes(word))) {
    return `${room.name} may import ${specifier} only in files with ${words.join(' or ')} in their path`;
  }
  return undefined;
}

function whyNotNode({ path, room, specifier }) {
  if (!specifier.startsWith('node:')) return `write "node:${specifier}" for a module of Node`;
  if (room.node || (isSpec(path) && specNodeModules.includes(specifier))) return undefined;
  if (room.kind === 'adapter' && isSpec(path)) return undefined;
  return `${room.name} may not use Node (${specifier}): it is ${room.kind === 'adapter' ? 'an adapter without Node' : room.kind}`;
}

function whyNotLibrary({ cwd, path, room, specifier }) {
  const name = packageOf(specifier);
  if (room.never?.includes(name))
    return `${room.name} may never import ${name}: the import table is the security model`;
  if (isSpec(path) && specLibraries.includes(name)) return undefined;
  if (room.libraries !== 'declared') {
    return room.libraries.includes(name)
      ? undefined
      : `${room.name} may not import the library ${name}; it may use ${listed(room.libraries)}`;
  }
  const own = declared(cwd, room.name).has(name) || (isSpec(path) && declared(cwd, '.').has(name));
  return own ? undefined : `${name} is not declared in ${room.name}/package.json`;
}

function whyNot(place) {
  const { specifier } = place;
  if (specifier.startsWith('.')) return whyNotRelative(place);
  if (specifier.startsWith('@wavegate/')) return whyNotRoom(place);
  return isNodeModule(specifier) ? whyNotNode(place) : whyNotLibrary(place);
}

export const roomFence = {
  meta: { type: 'problem', schema: [], messages: { fence: 'room fence: {{why}}' } },
  create(context) {
    const path = relative(context.cwd, context.filename).split(sep).join('/');
    const room = roomOf(path);
    if (!room) return {};
    const check = (source) => {
      if (source?.type !== 'Literal' || typeof source.value !== 'string') return;
      const why = whyNot({ cwd: context.cwd, path, room, specifier: source.value });
      if (why) context.report({ node: source, messageId: 'fence', data: { why } });
    };
    return {
      ImportDeclaration: (node) => check(node.source),
      ExportNamedDeclaration: (node) => check(node.source),
      ExportAllDeclaration: (node) => check(node.source),
      ImportExpression: (node) => check(node.source),
      TSImportType: (node) => check(node.source ?? node.argument?.literal),
      TSExternalModuleReference: (node) => check(node.expression),
      CallExpression: (node) => {
        // createRequire's product and jest's mocks reach modules past the import statement.
        const callee = node.callee.type === 'MemberExpression' ? node.callee.property.name : node.callee.name;
        if (['require', 'resolve'].includes(callee) && node.callee.object?.name !== 'Promise') check(node.arguments[0]);
      },
    };
  },
};
