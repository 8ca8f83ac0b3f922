import { simulateHalf } from './seeds-suite.js';

simulateHalf('second');
