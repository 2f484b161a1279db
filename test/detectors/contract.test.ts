import { detectorContract } from './contract.js';
import { DETECTORS } from './detector-table.js';

for (const detector of DETECTORS) detectorContract(detector);
