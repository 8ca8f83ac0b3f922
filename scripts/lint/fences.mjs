// The part of the lint that needs no types: fences, purity, names. The house tests run it on planted code by itself.
import tseslint from 'typescript-eslint';
import { houseHabits } from './house-habits.mjs';
import { pureRoom } from './pure-room.mjs';
import { roomFence } from './room-fence.mjs';

export const wavegate = { rules: { 'room-fence': roomFence, 'pure-room': pureRoom, ...houseHabits } };

export const fences = [
  {
    name: 'wavegate/fences',
    files: ['**/*.ts'],
    languageOptions: { parser: tseslint.parser },
    plugins: { wavegate },
    rules: {
      'wavegate/room-fence': 'error',
      'wavegate/pure-room': 'error',
      'wavegate/file-name': 'error',
      'wavegate/parameters': 'error',
      'wavegate/reasoned-disable': 'error',
      'wavegate/running-tests': 'error',
    },
  },
];

export default fences;
