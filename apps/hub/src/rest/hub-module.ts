import { Module, type DynamicModule } from '@nestjs/common';
import { AccessDesk } from '../desks/access-desk.js';
import { ClusterDesk } from '../desks/cluster-desk.js';
import { EventDesk } from '../desks/event-desk.js';
import { OrderDesk } from '../desks/order-desk.js';
import { PlanDesk } from '../desks/plan-desk.js';
import { RolloutDesk } from '../desks/rollout-desk.js';
import { RecoveryDesk } from '../desks/recovery-desk.js';
import { ScheduleDesk } from '../desks/schedule-desk.js';
import { METRICS, type MetricsPage } from '../process/metrics-page.js';
import { Readiness } from '../process/readiness.js';
import { AccessController } from './access.controller.js';
import { ClustersController } from './clusters.controller.js';
import { EventsController } from './events.controller.js';
import { OrdersController } from './orders.controller.js';
import { PlansController } from './plans.controller.js';
import { ProcessController } from './process.controller.js';
import { RolloutsController } from './rollouts.controller.js';
import { RecoveriesController } from './recoveries.controller.js';
import { SchedulesController } from './schedules.controller.js';
import { VerdictsController } from './verdicts.controller.js';

/** The desks behind the REST door, made by the composition root: Nest serves them, it does not make them. */
export interface Desks {
  readonly clusters: ClusterDesk;
  readonly access: AccessDesk;
  readonly orders: OrderDesk;
  readonly schedules: ScheduleDesk;
  readonly recoveries: RecoveryDesk;
  readonly plans: PlanDesk;
  readonly rollouts: RolloutDesk;
  readonly events: EventDesk;
  readonly readiness: Readiness;
  readonly metrics: MetricsPage;
}

@Module({})
export class HubModule {
  static of(desks: Desks): DynamicModule {
    return {
      module: HubModule,
      controllers: [
        ClustersController,
        AccessController,
        OrdersController,
        SchedulesController,
        RecoveriesController,
        PlansController,
        RolloutsController,
        VerdictsController,
        EventsController,
        ProcessController,
      ],
      providers: [
        { provide: ClusterDesk, useValue: desks.clusters },
        { provide: AccessDesk, useValue: desks.access },
        { provide: OrderDesk, useValue: desks.orders },
        { provide: ScheduleDesk, useValue: desks.schedules },
        { provide: RecoveryDesk, useValue: desks.recoveries },
        { provide: PlanDesk, useValue: desks.plans },
        { provide: RolloutDesk, useValue: desks.rollouts },
        { provide: EventDesk, useValue: desks.events },
        { provide: Readiness, useValue: desks.readiness },
        { provide: METRICS, useValue: desks.metrics },
      ],
    };
  }
}
