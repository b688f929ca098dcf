// Made by `npm run generate` from the hub's OpenAPI document; do not edit.

export interface paths {
    "/summary": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The fleet in one object. */
        get: operations["get_summary"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/version": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Of this hub. */
        get: operations["get_version"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/openapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** This API, as OpenAPI 3.1. */
        get: operations["get_openapi_json"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/nodes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The nodes. */
        get: operations["get_nodes"];
        put?: never;
        /** A node whose agent is a script; its token is shown once. */
        post: operations["post_nodes"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/nodes/{node}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One node, by name or id. */
        get: operations["get_nodes_node"];
        put?: never;
        post?: never;
        /** Forgets a node; force=true also while it is connected. */
        delete: operations["delete_nodes_node"];
        options?: never;
        head?: never;
        /** Gives and takes labels; null takes one away. */
        patch: operations["patch_nodes_node"];
        trace?: never;
    };
    "/nodes/{node}/cordon": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** It takes nothing new. */
        post: operations["post_nodes_node_cordon"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/nodes/{node}/uncordon": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** It takes new instances again. */
        post: operations["post_nodes_node_uncordon"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/nodes/{node}/drain": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What a drain would do, or has still to do. */
        get: operations["get_nodes_node_drain"];
        put?: never;
        /** It gives up what can go elsewhere; dry_run=true: only says what would go where. */
        post: operations["post_nodes_node_drain"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/nodes/{node}/undrain": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** It keeps what it has. */
        post: operations["post_nodes_node_undrain"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/stacks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The stacks. */
        get: operations["get_stacks"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/stacks/{stack}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One stack, with overrides and content. */
        get: operations["get_stacks_stack"];
        /** Applies a stack file (YAML or JSON). */
        put: operations["put_stacks_stack"];
        post?: never;
        /** Stops and deletes all of it. */
        delete: operations["delete_stacks_stack"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/stacks/{stack}/plan": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** What applying would do. */
        post: operations["post_stacks_stack_plan"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/stacks/{stack}/start": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Starts what was stopped. */
        post: operations["post_stacks_stack_start"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/stacks/{stack}/stop": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Stops all of it; it stays stopped. */
        post: operations["post_stacks_stack_stop"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/stacks/{stack}/restart": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Restarts what runs. */
        post: operations["post_stacks_stack_restart"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/stacks/{stack}/reload": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Has what runs take its configuration anew. */
        post: operations["post_stacks_stack_reload"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/stacks/{stack}/rollback": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Back to an earlier revision. */
        post: operations["post_stacks_stack_rollback"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/stacks/{stack}/services/{service}/scale": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** How many instances run. */
        post: operations["post_stacks_stack_services_service_scale"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/stacks/{stack}/revisions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Its revisions. */
        get: operations["get_stacks_stack_revisions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/why": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Why an instance is where it is, or is nowhere. */
        get: operations["get_why"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/services": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The services of all stacks. */
        get: operations["get_services"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/services/{stack}/{service}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One service. */
        get: operations["get_services_stack_service"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/services/{stack}/{service}/start": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Starts its instances. */
        post: operations["post_services_stack_service_start"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/services/{stack}/{service}/stop": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Stops its instances. */
        post: operations["post_services_stack_service_stop"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/services/{stack}/{service}/restart": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Restarts its instances. */
        post: operations["post_services_stack_service_restart"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/services/{stack}/{service}/reload": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Has its instances take their configuration anew. */
        post: operations["post_services_stack_service_reload"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/instances": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The instances. */
        get: operations["get_instances"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/instances/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One instance, by id or stack:name. */
        get: operations["get_instances_id"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/instances/{id}/start": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Starts it. */
        post: operations["post_instances_id_start"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/instances/{id}/stop": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Stops it; it stays stopped. */
        post: operations["post_instances_id_stop"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/instances/{id}/restart": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Restarts it. */
        post: operations["post_instances_id_restart"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/instances/{id}/reload": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Has it take its configuration anew. */
        post: operations["post_instances_id_reload"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/instances/{id}/probes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The last answers of its probes, from its agent. */
        get: operations["get_instances_id_probes"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/instances/{id}/logs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What it wrote, as JSON lines, from its agent. */
        get: operations["get_instances_id_logs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/logs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What several instances wrote, in one stream. */
        get: operations["get_logs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/ports": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The ports of the instances, and who listens on them now. */
        get: operations["get_ports"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/usage": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** CPU and memory of the instances that run, measured now. */
        get: operations["get_usage"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/own-logs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What hub, agents and keepers have logged themselves, in one stream. */
        get: operations["get_own_logs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/deployments": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The deployments. */
        get: operations["get_deployments"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/deployments/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One deployment. */
        get: operations["get_deployments_id"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/deployments/{id}/pause": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Holds it. */
        post: operations["post_deployments_id_pause"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/deployments/{id}/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Lets it go on. */
        post: operations["post_deployments_id_resume"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/deployments/{id}/promote": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** The rest follows the canaries. */
        post: operations["post_deployments_id_promote"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/deployments/{id}/abort": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Back to the newest revision that succeeded. */
        post: operations["post_deployments_id_abort"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/deployments/{id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Ends it; what is done stays. */
        post: operations["post_deployments_id_cancel"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/tasks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The tasks: live ones, the newest that are over, and those that failed for good (dead). */
        get: operations["get_tasks"];
        put?: never;
        /** exec, probe or collect on nodes or instances; several make an operation. On an external node any type. */
        post: operations["post_tasks"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/tasks/history": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tasks that are over, the newest first, from the store. */
        get: operations["get_tasks_history"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/tasks/stats": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** How many are in which state, and how long those of the last hour (window=) waited and ran. */
        get: operations["get_tasks_stats"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/tasks/requeue": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Tries all again that failed for good. */
        post: operations["post_tasks_requeue"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/tasks/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One task with its attempts. */
        get: operations["get_tasks_id"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/tasks/{id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Asks for its end. */
        post: operations["post_tasks_id_cancel"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/tasks/{id}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** A new task that does the same. */
        post: operations["post_tasks_id_retry"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/tasks/{id}/dismiss": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** It failed for good, and nothing will be done about it. */
        post: operations["post_tasks_id_dismiss"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/queue/pause": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Nothing more is handed out; what is under way goes on. */
        post: operations["post_queue_pause"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/queue/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** The hub's queue goes on. */
        post: operations["post_queue_resume"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/nodes/{node}/queue/pause": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Nothing more is handed out to this node. */
        post: operations["post_nodes_node_queue_pause"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/nodes/{node}/queue/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** The node's queue goes on. */
        post: operations["post_nodes_node_queue_resume"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/operations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Bulk commands. */
        get: operations["get_operations"];
        put?: never;
        /** Starts, stops, restarts or reloads many; dry_run=true says what it would touch. */
        post: operations["post_operations"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/operations/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One of them, with a result for each target and its tasks. */
        get: operations["get_operations_id"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/operations/{id}/undo": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Takes a start or a stop back. */
        post: operations["post_operations_id_undo"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/nodes/{node}/token": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** A new token for the agent of an external node; the old one ends. */
        post: operations["post_nodes_node_token"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/agents/{id}/tasks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** For agents that are scripts: what is due becomes assigned. A bare array. */
        get: operations["get_agents_id_tasks"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/agents/{id}/tasks/{task}/status": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** What became of a task: started, progress, completed, failed, cancelled. */
        put: operations["put_agents_id_tasks_task_status"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/tasks/{id}/status": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** The same, by the task alone. */
        put: operations["put_tasks_id_status"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What happened: JSON lines or SSE, from a position on, with follow=true for ever. */
        get: operations["get_events"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Who did what, newest first. */
        get: operations["get_audit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/audit/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Recomputes the chain of hashes. */
        get: operations["get_audit_verify"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Who may log in. */
        get: operations["get_users"];
        put?: never;
        /** A new user, or a new password. */
        post: operations["post_users"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/users/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** A new password. */
        post: operations["post_users_name"];
        /** Forgets a user, with sessions and tokens. */
        delete: operations["delete_users_name"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The API tokens. */
        get: operations["get_tokens"];
        put?: never;
        /** A new API token, shown once. */
        post: operations["post_tokens"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/tokens/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Revokes one. */
        delete: operations["delete_tokens_id"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/join-tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The join lines that are still good. */
        get: operations["get_join_tokens"];
        put?: never;
        /** A new join line, shown once. */
        post: operations["post_join_tokens"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/join-tokens/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Voids one. */
        delete: operations["delete_join_tokens_id"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** By user and password, by a one-time link, or by an API token. */
        post: operations["post_login"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Ends this session. */
        post: operations["post_logout"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Who am I? */
        get: operations["get_me"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/me/password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** A new password for me. */
        post: operations["post_me_password"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/login-links": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** A one-time link for a browser. */
        post: operations["post_login_links"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/agents/join": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** A host becomes a node, by a join line. */
        post: operations["post_agents_join"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/agents/renew": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** A new certificate for the bearer of the present one. */
        post: operations["post_agents_renew"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        Problem: Record<string, unknown>;
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    get_summary: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        hub_version: string;
                        store_id: string;
                        hub_state: string;
                        nodes: number;
                        nodes_online: number;
                        services: number;
                        services_ok: number;
                        services_failing: number;
                        instances: number;
                        instances_ready: number;
                        instances_failing: number;
                        tasks_open: number;
                        tasks_failed: number;
                        deployments_live: number;
                        paused: string[];
                        agent_versions: {
                            [key: string]: number;
                        };
                    };
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_version: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        version: string;
                        revision: string;
                        protocol: number;
                        api: string;
                    };
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_openapi_json: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_nodes: {
        parameters: {
            query?: {
                filter?: string;
                sort?: string;
                cursor?: string;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: {
                            /** Format: uuid */
                            id: string;
                            name: string;
                            state: string;
                            message: string;
                            kind: string;
                            paused: boolean;
                            cordoned: boolean;
                            draining: boolean;
                            labels: {
                                [key: string]: string;
                            };
                            version: string;
                            version_match: string;
                            hostname: string;
                            os: string;
                            kernel: string;
                            arch: string;
                            address: string;
                            level: string;
                            cpus: number;
                            memory: number;
                            resources: {
                                [key: string]: {
                                    total: number;
                                    reserved: number;
                                };
                            };
                            instances: number;
                            running: number;
                            failing: number;
                            /** Format: date-time */
                            joined_at: string;
                            /** Format: date-time */
                            connected_at?: string;
                            /** Format: date-time */
                            last_seen?: string;
                        }[];
                        next: string | null;
                    };
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_nodes: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    name?: string;
                    external?: boolean;
                    labels?: {
                        [key: string]: string;
                    };
                    /** @description a duration: 1m30s */
                    lost_after?: string;
                };
            };
        };
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_nodes_node: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                node: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** Format: uuid */
                        id: string;
                        name: string;
                        state: string;
                        message: string;
                        kind: string;
                        paused: boolean;
                        cordoned: boolean;
                        draining: boolean;
                        labels: {
                            [key: string]: string;
                        };
                        version: string;
                        version_match: string;
                        hostname: string;
                        os: string;
                        kernel: string;
                        arch: string;
                        address: string;
                        level: string;
                        cpus: number;
                        memory: number;
                        resources: {
                            [key: string]: {
                                total: number;
                                reserved: number;
                            };
                        };
                        instances: number;
                        running: number;
                        failing: number;
                        /** Format: date-time */
                        joined_at: string;
                        /** Format: date-time */
                        connected_at?: string;
                        /** Format: date-time */
                        last_seen?: string;
                    };
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    delete_nodes_node: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                node: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    patch_nodes_node: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                node: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    labels?: {
                        [key: string]: string;
                    };
                };
            };
        };
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** Format: uuid */
                        id: string;
                        name: string;
                        state: string;
                        message: string;
                        kind: string;
                        paused: boolean;
                        cordoned: boolean;
                        draining: boolean;
                        labels: {
                            [key: string]: string;
                        };
                        version: string;
                        version_match: string;
                        hostname: string;
                        os: string;
                        kernel: string;
                        arch: string;
                        address: string;
                        level: string;
                        cpus: number;
                        memory: number;
                        resources: {
                            [key: string]: {
                                total: number;
                                reserved: number;
                            };
                        };
                        instances: number;
                        running: number;
                        failing: number;
                        /** Format: date-time */
                        joined_at: string;
                        /** Format: date-time */
                        connected_at?: string;
                        /** Format: date-time */
                        last_seen?: string;
                    };
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_nodes_node_cordon: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                node: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** Format: uuid */
                        id: string;
                        name: string;
                        state: string;
                        message: string;
                        kind: string;
                        paused: boolean;
                        cordoned: boolean;
                        draining: boolean;
                        labels: {
                            [key: string]: string;
                        };
                        version: string;
                        version_match: string;
                        hostname: string;
                        os: string;
                        kernel: string;
                        arch: string;
                        address: string;
                        level: string;
                        cpus: number;
                        memory: number;
                        resources: {
                            [key: string]: {
                                total: number;
                                reserved: number;
                            };
                        };
                        instances: number;
                        running: number;
                        failing: number;
                        /** Format: date-time */
                        joined_at: string;
                        /** Format: date-time */
                        connected_at?: string;
                        /** Format: date-time */
                        last_seen?: string;
                    };
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_nodes_node_uncordon: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                node: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** Format: uuid */
                        id: string;
                        name: string;
                        state: string;
                        message: string;
                        kind: string;
                        paused: boolean;
                        cordoned: boolean;
                        draining: boolean;
                        labels: {
                            [key: string]: string;
                        };
                        version: string;
                        version_match: string;
                        hostname: string;
                        os: string;
                        kernel: string;
                        arch: string;
                        address: string;
                        level: string;
                        cpus: number;
                        memory: number;
                        resources: {
                            [key: string]: {
                                total: number;
                                reserved: number;
                            };
                        };
                        instances: number;
                        running: number;
                        failing: number;
                        /** Format: date-time */
                        joined_at: string;
                        /** Format: date-time */
                        connected_at?: string;
                        /** Format: date-time */
                        last_seen?: string;
                    };
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_nodes_node_drain: {
        parameters: {
            query?: {
                filter?: string;
                sort?: string;
                cursor?: string;
                limit?: number;
            };
            header?: never;
            path: {
                node: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: {
                            /** Format: uuid */
                            instance: string;
                            stack: string;
                            service: string;
                            instance_name: string;
                            /** @enum {string} */
                            what: "moves" | "ends" | "stays";
                            to: string;
                            reason: string;
                        }[];
                        next: string | null;
                    };
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_nodes_node_drain: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                node: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_nodes_node_undrain: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                node: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** Format: uuid */
                        id: string;
                        name: string;
                        state: string;
                        message: string;
                        kind: string;
                        paused: boolean;
                        cordoned: boolean;
                        draining: boolean;
                        labels: {
                            [key: string]: string;
                        };
                        version: string;
                        version_match: string;
                        hostname: string;
                        os: string;
                        kernel: string;
                        arch: string;
                        address: string;
                        level: string;
                        cpus: number;
                        memory: number;
                        resources: {
                            [key: string]: {
                                total: number;
                                reserved: number;
                            };
                        };
                        instances: number;
                        running: number;
                        failing: number;
                        /** Format: date-time */
                        joined_at: string;
                        /** Format: date-time */
                        connected_at?: string;
                        /** Format: date-time */
                        last_seen?: string;
                    };
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_stacks: {
        parameters: {
            query?: {
                filter?: string;
                sort?: string;
                cursor?: string;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: {
                            name: string;
                            state: string;
                            message: string;
                            revision: number;
                            services: number;
                            instances: number;
                            ready: number;
                            failing: number;
                            /** Format: uuid */
                            deployment?: string;
                            /** Format: date-time */
                            created_at: string;
                            /** Format: date-time */
                            updated_at: string;
                        }[];
                        next: string | null;
                    };
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_stacks_stack: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                stack: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    put_stacks_stack: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                stack: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    delete_stacks_stack: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                stack: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_stacks_stack_plan: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                stack: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_stacks_stack_start: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                stack: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_stacks_stack_stop: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                stack: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_stacks_stack_restart: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                stack: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_stacks_stack_reload: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                stack: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_stacks_stack_rollback: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                stack: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    revision?: number;
                };
            };
        };
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_stacks_stack_services_service_scale: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                stack: string;
                service: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    replicas?: number;
                };
            };
        };
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_stacks_stack_revisions: {
        parameters: {
            query?: {
                filter?: string;
                sort?: string;
                cursor?: string;
                limit?: number;
            };
            header?: never;
            path: {
                stack: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: {
                            number: number;
                            digest: string;
                            who: {
                                actor: string;
                                origin: string;
                                correlation: string;
                            };
                            /** Format: date-time */
                            at: string;
                            succeeded: boolean;
                            current: boolean;
                        }[];
                        next: string | null;
                    };
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_why: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_services: {
        parameters: {
            query?: {
                filter?: string;
                sort?: string;
                cursor?: string;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: {
                            id: string;
                            name: string;
                            stack: string;
                            kind: string;
                            driver: string;
                            state: string;
                            reason: string;
                            desired: number;
                            instances: number;
                            ready: number;
                            failing: number;
                            nodes: string[];
                            ports: {
                                [key: string]: number;
                            };
                            restarts: number;
                            revision: number;
                            depends_on: string[];
                        }[];
                        next: string | null;
                    };
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_services_stack_service: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                stack: string;
                service: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        id: string;
                        name: string;
                        stack: string;
                        kind: string;
                        driver: string;
                        state: string;
                        reason: string;
                        desired: number;
                        instances: number;
                        ready: number;
                        failing: number;
                        nodes: string[];
                        ports: {
                            [key: string]: number;
                        };
                        restarts: number;
                        revision: number;
                        depends_on: string[];
                    };
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_services_stack_service_start: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                stack: string;
                service: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_services_stack_service_stop: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                stack: string;
                service: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_services_stack_service_restart: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                stack: string;
                service: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_services_stack_service_reload: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                stack: string;
                service: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_instances: {
        parameters: {
            query?: {
                filter?: string;
                sort?: string;
                cursor?: string;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: {
                            /** Format: uuid */
                            id: string;
                            name: string;
                            stack: string;
                            service: string;
                            kind: string;
                            index: number;
                            node: string;
                            role: string;
                            desired: string;
                            state: string;
                            reason: string;
                            /** Format: date-time */
                            since: string;
                            health: string;
                            fresh: boolean;
                            /** Format: date-time */
                            as_of?: string;
                            revision: number;
                            outdated: boolean;
                            /** Format: uuid */
                            task?: string;
                            task_type: string;
                            pid?: number;
                            /** Format: date-time */
                            started_at?: string;
                            /** Format: date-time */
                            ready_at?: string;
                            /** Format: date-time */
                            reloaded_at?: string;
                            /** Format: date-time */
                            next_try?: string;
                            restarts: number;
                            last_exit: string;
                            last_lines: string[];
                            degraded: string[];
                            ports: {
                                [key: string]: number;
                            };
                            incarnation: number;
                            epoch: number;
                        }[];
                        next: string | null;
                    };
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_instances_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** Format: uuid */
                        id: string;
                        name: string;
                        stack: string;
                        service: string;
                        kind: string;
                        index: number;
                        node: string;
                        role: string;
                        desired: string;
                        state: string;
                        reason: string;
                        /** Format: date-time */
                        since: string;
                        health: string;
                        fresh: boolean;
                        /** Format: date-time */
                        as_of?: string;
                        revision: number;
                        outdated: boolean;
                        /** Format: uuid */
                        task?: string;
                        task_type: string;
                        pid?: number;
                        /** Format: date-time */
                        started_at?: string;
                        /** Format: date-time */
                        ready_at?: string;
                        /** Format: date-time */
                        reloaded_at?: string;
                        /** Format: date-time */
                        next_try?: string;
                        restarts: number;
                        last_exit: string;
                        last_lines: string[];
                        degraded: string[];
                        ports: {
                            [key: string]: number;
                        };
                        incarnation: number;
                        epoch: number;
                    };
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_instances_id_start: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_instances_id_stop: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_instances_id_restart: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_instances_id_reload: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_instances_id_probes: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: {
                            /** @enum {string} */
                            probe: "start" | "ready" | "live";
                            kind: string;
                            passed: boolean;
                            results: {
                                /** Format: date-time */
                                at: string;
                                /** @description a duration: 1m30s */
                                took: string;
                                ok: boolean;
                                unrunnable: boolean;
                                detail: string;
                                incarnation: number;
                            }[];
                        }[];
                    };
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_instances_id_logs: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_logs: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_ports: {
        parameters: {
            query?: {
                filter?: string;
                sort?: string;
                cursor?: string;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: {
                            id: string;
                            node: string;
                            stack: string;
                            service: string;
                            instance: string;
                            name: string;
                            port: number;
                            protocol: string;
                            state: string;
                            pid?: number;
                            command: string;
                            /** Format: date-time */
                            since?: string;
                            ours: boolean;
                            holder: string;
                        }[];
                        next: string | null;
                    };
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_usage: {
        parameters: {
            query?: {
                filter?: string;
                sort?: string;
                cursor?: string;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: {
                            id: string;
                            node: string;
                            stack: string;
                            service: string;
                            instance: string;
                            cpu_percent?: number;
                            memory_bytes?: number;
                            processes?: number;
                        }[];
                        next: string | null;
                    };
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_own_logs: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_deployments: {
        parameters: {
            query?: {
                filter?: string;
                sort?: string;
                cursor?: string;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: {
                            /** Format: uuid */
                            id: string;
                            stack: string;
                            revision: number;
                            /** @enum {string} */
                            state: "planned" | "running" | "paused" | "succeeded" | "failed" | "cancelled" | "superseded" | "rolling_back" | "rolled_back" | "rollback_failed";
                            message: string;
                            steps: {
                                service: string;
                                instance_name: string;
                                /** Format: uuid */
                                instance: string;
                                /** @enum {string} */
                                kind: "create" | "update" | "stop" | "start" | "restart" | "delete" | "keep" | "adjust";
                                node: string;
                                reason: string;
                                done: boolean;
                            }[];
                            /** Format: uuid */
                            rolls_back?: string;
                            canaries: {
                                [key: string]: number;
                            };
                            promoted: boolean;
                            promotable: boolean;
                            who: {
                                actor: string;
                                origin: string;
                                correlation: string;
                            };
                            /** Format: date-time */
                            created_at: string;
                            /** Format: date-time */
                            progress_at: string;
                            /** Format: date-time */
                            finished_at?: string;
                        }[];
                        next: string | null;
                    };
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_deployments_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** Format: uuid */
                        id: string;
                        stack: string;
                        revision: number;
                        /** @enum {string} */
                        state: "planned" | "running" | "paused" | "succeeded" | "failed" | "cancelled" | "superseded" | "rolling_back" | "rolled_back" | "rollback_failed";
                        message: string;
                        steps: {
                            service: string;
                            instance_name: string;
                            /** Format: uuid */
                            instance: string;
                            /** @enum {string} */
                            kind: "create" | "update" | "stop" | "start" | "restart" | "delete" | "keep" | "adjust";
                            node: string;
                            reason: string;
                            done: boolean;
                        }[];
                        /** Format: uuid */
                        rolls_back?: string;
                        canaries: {
                            [key: string]: number;
                        };
                        promoted: boolean;
                        promotable: boolean;
                        who: {
                            actor: string;
                            origin: string;
                            correlation: string;
                        };
                        /** Format: date-time */
                        created_at: string;
                        /** Format: date-time */
                        progress_at: string;
                        /** Format: date-time */
                        finished_at?: string;
                    };
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_deployments_id_pause: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** Format: uuid */
                        id: string;
                        stack: string;
                        revision: number;
                        /** @enum {string} */
                        state: "planned" | "running" | "paused" | "succeeded" | "failed" | "cancelled" | "superseded" | "rolling_back" | "rolled_back" | "rollback_failed";
                        message: string;
                        steps: {
                            service: string;
                            instance_name: string;
                            /** Format: uuid */
                            instance: string;
                            /** @enum {string} */
                            kind: "create" | "update" | "stop" | "start" | "restart" | "delete" | "keep" | "adjust";
                            node: string;
                            reason: string;
                            done: boolean;
                        }[];
                        /** Format: uuid */
                        rolls_back?: string;
                        canaries: {
                            [key: string]: number;
                        };
                        promoted: boolean;
                        promotable: boolean;
                        who: {
                            actor: string;
                            origin: string;
                            correlation: string;
                        };
                        /** Format: date-time */
                        created_at: string;
                        /** Format: date-time */
                        progress_at: string;
                        /** Format: date-time */
                        finished_at?: string;
                    };
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_deployments_id_resume: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** Format: uuid */
                        id: string;
                        stack: string;
                        revision: number;
                        /** @enum {string} */
                        state: "planned" | "running" | "paused" | "succeeded" | "failed" | "cancelled" | "superseded" | "rolling_back" | "rolled_back" | "rollback_failed";
                        message: string;
                        steps: {
                            service: string;
                            instance_name: string;
                            /** Format: uuid */
                            instance: string;
                            /** @enum {string} */
                            kind: "create" | "update" | "stop" | "start" | "restart" | "delete" | "keep" | "adjust";
                            node: string;
                            reason: string;
                            done: boolean;
                        }[];
                        /** Format: uuid */
                        rolls_back?: string;
                        canaries: {
                            [key: string]: number;
                        };
                        promoted: boolean;
                        promotable: boolean;
                        who: {
                            actor: string;
                            origin: string;
                            correlation: string;
                        };
                        /** Format: date-time */
                        created_at: string;
                        /** Format: date-time */
                        progress_at: string;
                        /** Format: date-time */
                        finished_at?: string;
                    };
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_deployments_id_promote: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** Format: uuid */
                        id: string;
                        stack: string;
                        revision: number;
                        /** @enum {string} */
                        state: "planned" | "running" | "paused" | "succeeded" | "failed" | "cancelled" | "superseded" | "rolling_back" | "rolled_back" | "rollback_failed";
                        message: string;
                        steps: {
                            service: string;
                            instance_name: string;
                            /** Format: uuid */
                            instance: string;
                            /** @enum {string} */
                            kind: "create" | "update" | "stop" | "start" | "restart" | "delete" | "keep" | "adjust";
                            node: string;
                            reason: string;
                            done: boolean;
                        }[];
                        /** Format: uuid */
                        rolls_back?: string;
                        canaries: {
                            [key: string]: number;
                        };
                        promoted: boolean;
                        promotable: boolean;
                        who: {
                            actor: string;
                            origin: string;
                            correlation: string;
                        };
                        /** Format: date-time */
                        created_at: string;
                        /** Format: date-time */
                        progress_at: string;
                        /** Format: date-time */
                        finished_at?: string;
                    };
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_deployments_id_abort: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** Format: uuid */
                        id: string;
                        stack: string;
                        revision: number;
                        /** @enum {string} */
                        state: "planned" | "running" | "paused" | "succeeded" | "failed" | "cancelled" | "superseded" | "rolling_back" | "rolled_back" | "rollback_failed";
                        message: string;
                        steps: {
                            service: string;
                            instance_name: string;
                            /** Format: uuid */
                            instance: string;
                            /** @enum {string} */
                            kind: "create" | "update" | "stop" | "start" | "restart" | "delete" | "keep" | "adjust";
                            node: string;
                            reason: string;
                            done: boolean;
                        }[];
                        /** Format: uuid */
                        rolls_back?: string;
                        canaries: {
                            [key: string]: number;
                        };
                        promoted: boolean;
                        promotable: boolean;
                        who: {
                            actor: string;
                            origin: string;
                            correlation: string;
                        };
                        /** Format: date-time */
                        created_at: string;
                        /** Format: date-time */
                        progress_at: string;
                        /** Format: date-time */
                        finished_at?: string;
                    };
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_deployments_id_cancel: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** Format: uuid */
                        id: string;
                        stack: string;
                        revision: number;
                        /** @enum {string} */
                        state: "planned" | "running" | "paused" | "succeeded" | "failed" | "cancelled" | "superseded" | "rolling_back" | "rolled_back" | "rollback_failed";
                        message: string;
                        steps: {
                            service: string;
                            instance_name: string;
                            /** Format: uuid */
                            instance: string;
                            /** @enum {string} */
                            kind: "create" | "update" | "stop" | "start" | "restart" | "delete" | "keep" | "adjust";
                            node: string;
                            reason: string;
                            done: boolean;
                        }[];
                        /** Format: uuid */
                        rolls_back?: string;
                        canaries: {
                            [key: string]: number;
                        };
                        promoted: boolean;
                        promotable: boolean;
                        who: {
                            actor: string;
                            origin: string;
                            correlation: string;
                        };
                        /** Format: date-time */
                        created_at: string;
                        /** Format: date-time */
                        progress_at: string;
                        /** Format: date-time */
                        finished_at?: string;
                    };
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_tasks: {
        parameters: {
            query?: {
                filter?: string;
                sort?: string;
                cursor?: string;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: {
                            /** Format: uuid */
                            id: string;
                            type: string;
                            state: string;
                            stack: string;
                            service: string;
                            instance: string;
                            /** Format: uuid */
                            instance_id: string;
                            node: string;
                            priority: number;
                            attempt: number;
                            max_attempts: number;
                            progress: number;
                            message: string;
                            cancel_requested: boolean;
                            /** Format: uuid */
                            deployment?: string;
                            /** Format: uuid */
                            operation?: string;
                            /** Format: uuid */
                            retry_of?: string;
                            depends_on: string[];
                            actor: string;
                            origin: string;
                            correlation: string;
                            /** Format: date-time */
                            created_at: string;
                            /** Format: date-time */
                            started_at?: string;
                            /** Format: date-time */
                            finished_at?: string;
                            what: string;
                            dead: boolean;
                            /** @description a duration: 1m30s */
                            timeout?: string;
                            payload?: Record<string, unknown>;
                            result?: Record<string, unknown>;
                            attempts: {
                                number: number;
                                /** Format: date-time */
                                assigned_at: string;
                                /** Format: date-time */
                                started_at?: string;
                                /** Format: date-time */
                                ended_at?: string;
                                outcome: string;
                                error: string;
                                output: string[];
                            }[];
                        }[];
                        next: string | null;
                    };
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_tasks: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    /** @enum {string} */
                    type?: "deploy" | "delete" | "stop" | "start" | "restart" | "update" | "reload" | "exec" | "probe" | "collect";
                    nodes?: string[];
                    targets?: string[];
                    command?: string[];
                    environment?: {
                        [key: string]: string;
                    };
                    working_dir?: string;
                    user?: string;
                    repeatable?: boolean;
                    probe?: string;
                    check?: Record<string, unknown>;
                    payload?: Record<string, unknown>;
                    stack?: string;
                    instance?: string;
                    priority?: number;
                    max_retries?: number;
                    /** @description a duration: 1m30s */
                    no_progress?: string;
                    /** @description a duration: 1m30s */
                    timeout?: string;
                    depends_on?: string[];
                };
            };
        };
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_tasks_history: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_tasks_stats: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        total: number;
                        pending: number;
                        assigned: number;
                        running: number;
                        completed: number;
                        failed: number;
                        cancelled: number;
                        dead: number;
                        stored: number;
                        /** @description a duration: 1m30s */
                        window: string;
                        paused: string[];
                        types: {
                            type: string;
                            completed: number;
                            failed: number;
                            cancelled: number;
                            attempts: number;
                            waiting: {
                                p50?: number;
                                p90?: number;
                                p99?: number;
                            };
                            running: {
                                p50?: number;
                                p90?: number;
                                p99?: number;
                            };
                        }[];
                    };
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_tasks_requeue: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_tasks_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** Format: uuid */
                        id: string;
                        type: string;
                        state: string;
                        stack: string;
                        service: string;
                        instance: string;
                        /** Format: uuid */
                        instance_id: string;
                        node: string;
                        priority: number;
                        attempt: number;
                        max_attempts: number;
                        progress: number;
                        message: string;
                        cancel_requested: boolean;
                        /** Format: uuid */
                        deployment?: string;
                        /** Format: uuid */
                        operation?: string;
                        /** Format: uuid */
                        retry_of?: string;
                        depends_on: string[];
                        actor: string;
                        origin: string;
                        correlation: string;
                        /** Format: date-time */
                        created_at: string;
                        /** Format: date-time */
                        started_at?: string;
                        /** Format: date-time */
                        finished_at?: string;
                        what: string;
                        dead: boolean;
                        /** @description a duration: 1m30s */
                        timeout?: string;
                        payload?: Record<string, unknown>;
                        result?: Record<string, unknown>;
                        attempts: {
                            number: number;
                            /** Format: date-time */
                            assigned_at: string;
                            /** Format: date-time */
                            started_at?: string;
                            /** Format: date-time */
                            ended_at?: string;
                            outcome: string;
                            error: string;
                            output: string[];
                        }[];
                    };
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_tasks_id_cancel: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** Format: uuid */
                        id: string;
                        type: string;
                        state: string;
                        stack: string;
                        service: string;
                        instance: string;
                        /** Format: uuid */
                        instance_id: string;
                        node: string;
                        priority: number;
                        attempt: number;
                        max_attempts: number;
                        progress: number;
                        message: string;
                        cancel_requested: boolean;
                        /** Format: uuid */
                        deployment?: string;
                        /** Format: uuid */
                        operation?: string;
                        /** Format: uuid */
                        retry_of?: string;
                        depends_on: string[];
                        actor: string;
                        origin: string;
                        correlation: string;
                        /** Format: date-time */
                        created_at: string;
                        /** Format: date-time */
                        started_at?: string;
                        /** Format: date-time */
                        finished_at?: string;
                        what: string;
                        dead: boolean;
                        /** @description a duration: 1m30s */
                        timeout?: string;
                        payload?: Record<string, unknown>;
                        result?: Record<string, unknown>;
                        attempts: {
                            number: number;
                            /** Format: date-time */
                            assigned_at: string;
                            /** Format: date-time */
                            started_at?: string;
                            /** Format: date-time */
                            ended_at?: string;
                            outcome: string;
                            error: string;
                            output: string[];
                        }[];
                    };
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_tasks_id_retry: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** Format: uuid */
                        id: string;
                        type: string;
                        state: string;
                        stack: string;
                        service: string;
                        instance: string;
                        /** Format: uuid */
                        instance_id: string;
                        node: string;
                        priority: number;
                        attempt: number;
                        max_attempts: number;
                        progress: number;
                        message: string;
                        cancel_requested: boolean;
                        /** Format: uuid */
                        deployment?: string;
                        /** Format: uuid */
                        operation?: string;
                        /** Format: uuid */
                        retry_of?: string;
                        depends_on: string[];
                        actor: string;
                        origin: string;
                        correlation: string;
                        /** Format: date-time */
                        created_at: string;
                        /** Format: date-time */
                        started_at?: string;
                        /** Format: date-time */
                        finished_at?: string;
                        what: string;
                        dead: boolean;
                        /** @description a duration: 1m30s */
                        timeout?: string;
                        payload?: Record<string, unknown>;
                        result?: Record<string, unknown>;
                        attempts: {
                            number: number;
                            /** Format: date-time */
                            assigned_at: string;
                            /** Format: date-time */
                            started_at?: string;
                            /** Format: date-time */
                            ended_at?: string;
                            outcome: string;
                            error: string;
                            output: string[];
                        }[];
                    };
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_tasks_id_dismiss: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** Format: uuid */
                        id: string;
                        type: string;
                        state: string;
                        stack: string;
                        service: string;
                        instance: string;
                        /** Format: uuid */
                        instance_id: string;
                        node: string;
                        priority: number;
                        attempt: number;
                        max_attempts: number;
                        progress: number;
                        message: string;
                        cancel_requested: boolean;
                        /** Format: uuid */
                        deployment?: string;
                        /** Format: uuid */
                        operation?: string;
                        /** Format: uuid */
                        retry_of?: string;
                        depends_on: string[];
                        actor: string;
                        origin: string;
                        correlation: string;
                        /** Format: date-time */
                        created_at: string;
                        /** Format: date-time */
                        started_at?: string;
                        /** Format: date-time */
                        finished_at?: string;
                        what: string;
                        dead: boolean;
                        /** @description a duration: 1m30s */
                        timeout?: string;
                        payload?: Record<string, unknown>;
                        result?: Record<string, unknown>;
                        attempts: {
                            number: number;
                            /** Format: date-time */
                            assigned_at: string;
                            /** Format: date-time */
                            started_at?: string;
                            /** Format: date-time */
                            ended_at?: string;
                            outcome: string;
                            error: string;
                            output: string[];
                        }[];
                    };
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_queue_pause: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_queue_resume: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_nodes_node_queue_pause: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                node: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_nodes_node_queue_resume: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                node: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_operations: {
        parameters: {
            query?: {
                filter?: string;
                sort?: string;
                cursor?: string;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: {
                            /** Format: uuid */
                            id: string;
                            /** @enum {string} */
                            kind: "start" | "stop" | "restart" | "reload" | "exec" | "probe" | "collect";
                            /** @enum {string} */
                            state: "running" | "succeeded" | "partial" | "failed" | "cancelled";
                            scope: string;
                            items: {
                                /** Format: uuid */
                                instance: string;
                                stack: string;
                                instance_name: string;
                                node: string;
                                restart_generation: number;
                                ok?: boolean;
                                message: string;
                                ran?: boolean;
                                /** Format: uuid */
                                task?: string;
                            }[];
                            /** Format: uuid */
                            undo_of?: string;
                            who: {
                                actor: string;
                                origin: string;
                                correlation: string;
                            };
                            /** Format: date-time */
                            created_at: string;
                            /** Format: date-time */
                            finished_at?: string;
                        }[];
                        next: string | null;
                    };
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_operations: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    /** @enum {string} */
                    kind?: "start" | "stop" | "restart" | "reload" | "exec" | "probe" | "collect";
                    all?: boolean;
                    targets?: string[];
                };
            };
        };
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_operations_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** Format: uuid */
                        id: string;
                        /** @enum {string} */
                        kind: "start" | "stop" | "restart" | "reload" | "exec" | "probe" | "collect";
                        /** @enum {string} */
                        state: "running" | "succeeded" | "partial" | "failed" | "cancelled";
                        scope: string;
                        done: number;
                        total: number;
                        progress: number;
                        items: {
                            /** Format: uuid */
                            instance: string;
                            stack: string;
                            instance_name: string;
                            node: string;
                            restart_generation: number;
                            ok?: boolean;
                            message: string;
                            ran?: boolean;
                            /** Format: uuid */
                            task?: string;
                        }[];
                        tasks: {
                            /** Format: uuid */
                            id: string;
                            type: string;
                            state: string;
                            stack: string;
                            service: string;
                            instance: string;
                            /** Format: uuid */
                            instance_id: string;
                            node: string;
                            priority: number;
                            attempt: number;
                            max_attempts: number;
                            progress: number;
                            message: string;
                            cancel_requested: boolean;
                            /** Format: uuid */
                            deployment?: string;
                            /** Format: uuid */
                            operation?: string;
                            /** Format: uuid */
                            retry_of?: string;
                            depends_on: string[];
                            actor: string;
                            origin: string;
                            correlation: string;
                            /** Format: date-time */
                            created_at: string;
                            /** Format: date-time */
                            started_at?: string;
                            /** Format: date-time */
                            finished_at?: string;
                            what: string;
                            dead: boolean;
                            /** @description a duration: 1m30s */
                            timeout?: string;
                            payload?: Record<string, unknown>;
                            result?: Record<string, unknown>;
                            attempts: {
                                number: number;
                                /** Format: date-time */
                                assigned_at: string;
                                /** Format: date-time */
                                started_at?: string;
                                /** Format: date-time */
                                ended_at?: string;
                                outcome: string;
                                error: string;
                                output: string[];
                            }[];
                        }[];
                        undo: string;
                        undo_reason: string;
                        /** Format: uuid */
                        undo_of?: string;
                        who: {
                            actor: string;
                            origin: string;
                            correlation: string;
                        };
                        /** Format: date-time */
                        created_at: string;
                        /** Format: date-time */
                        finished_at?: string;
                    };
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_operations_id_undo: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_nodes_node_token: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                node: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_agents_id_tasks: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    put_agents_id_tasks_task_status: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
                task: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    status?: string;
                    attempt?: number;
                    progress?: number;
                    message?: string;
                    error?: string;
                    output?: string[];
                    result?: Record<string, unknown>;
                };
            };
        };
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    put_tasks_id_status: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    status?: string;
                    attempt?: number;
                    progress?: number;
                    message?: string;
                    error?: string;
                    output?: string[];
                    result?: Record<string, unknown>;
                };
            };
        };
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_events: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_audit: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_audit_verify: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        ok: boolean;
                        entries: number;
                        first_bad?: number;
                    };
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_users: {
        parameters: {
            query?: {
                filter?: string;
                sort?: string;
                cursor?: string;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: {
                            name: string;
                            role: string;
                            /** Format: date-time */
                            created_at: string;
                        }[];
                        next: string | null;
                    };
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_users: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    name?: string;
                    password?: string;
                };
            };
        };
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_users_name: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    name?: string;
                    password?: string;
                };
            };
        };
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    delete_users_name: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_tokens: {
        parameters: {
            query?: {
                filter?: string;
                sort?: string;
                cursor?: string;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: {
                            /** Format: uuid */
                            id: string;
                            name: string;
                            user: string;
                            /** Format: date-time */
                            created_at: string;
                            /** Format: date-time */
                            expires_at?: string;
                        }[];
                        next: string | null;
                    };
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_tokens: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    name?: string;
                    /** @description a duration: 1m30s */
                    ttl?: string;
                };
            };
        };
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    delete_tokens_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_join_tokens: {
        parameters: {
            query?: {
                filter?: string;
                sort?: string;
                cursor?: string;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: {
                            /** Format: uuid */
                            id: string;
                            uses_left: number;
                            labels: {
                                [key: string]: string;
                            };
                            replace: string;
                            /** Format: date-time */
                            created_at: string;
                            /** Format: date-time */
                            expires_at: string;
                        }[];
                        next: string | null;
                    };
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_join_tokens: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    uses?: number;
                    /** @description a duration: 1m30s */
                    ttl?: string;
                    labels?: {
                        [key: string]: string;
                    };
                    replace?: string;
                };
            };
        };
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    delete_join_tokens_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_login: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    user?: string;
                    password?: string;
                    link?: string;
                    token?: string;
                };
            };
        };
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_logout: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_me: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        user: string;
                        role: string;
                        how: string;
                    };
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_me_password: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    password?: string;
                };
            };
        };
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        user: string;
                        role: string;
                        how: string;
                    };
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_login_links: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_agents_join: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    secret?: string;
                    name?: string;
                    csr?: string;
                    facts?: {
                        hostname?: string;
                        os?: string;
                        kernel?: string;
                        arch?: string;
                        address?: string;
                        version?: string;
                        level?: string;
                        drivers?: string[];
                        labels?: {
                            [key: string]: string;
                        };
                        resources?: {
                            quantities?: {
                                [key: string]: number;
                            };
                            sets?: {
                                [key: string]: string[];
                            };
                        };
                    };
                };
            };
        };
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        uid: string;
                        name: string;
                        certificate: string;
                        ca: string;
                        pins: string[];
                    };
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_agents_renew: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    csr?: string;
                };
            };
        };
        responses: {
            /** @description As asked. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        uid: string;
                        name: string;
                        certificate: string;
                        ca: string;
                        pins: string[];
                    };
                };
            };
            /** @description What went wrong (RFC 9457). */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
}
