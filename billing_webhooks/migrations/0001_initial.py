import billing_webhooks.models.customers
import billing_webhooks.models.fields
import billing_webhooks.models.inbox
import billing_webhooks.models.indexes
import billing_webhooks.models.storage
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Heartbeat',
            fields=[
                ('name', models.CharField(max_length=50, primary_key=True, serialize=False, verbose_name='name')),
                ('at', models.DateTimeField(verbose_name='at')),
            ],
            options={
                'verbose_name': 'heartbeat',
                'verbose_name_plural': 'heartbeats',
            },
        ),
        migrations.CreateModel(
            name='KeptText',
            fields=[
                ('name', billing_webhooks.models.fields.ExactCharField(max_length=100, primary_key=True, serialize=False, verbose_name='name')),
                ('text', models.TextField(blank=True, verbose_name='text')),
                ('claimed_at', models.DateTimeField(blank=True, null=True, verbose_name='claimed at')),
            ],
            options={
                'verbose_name': 'kept text',
                'verbose_name_plural': 'kept texts',
            },
        ),
        migrations.CreateModel(
            name='Mailbox',
            fields=[
                ('key', billing_webhooks.models.fields.ExactCharField(max_length=200, primary_key=True, serialize=False, verbose_name='key')),
                ('steps', models.PositiveBigIntegerField(default=0, verbose_name='steps taken')),
                ('tried_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='last tried at')),
            ],
            options={
                'verbose_name': 'mailbox',
                'verbose_name_plural': 'mailboxes',
            },
        ),
        migrations.CreateModel(
            name='Refusal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('provider', billing_webhooks.models.fields.ExactCharField(max_length=64, verbose_name='provider')),
                ('reason', billing_webhooks.models.fields.ExactCharField(max_length=64, verbose_name='reason')),
                ('at', models.DateTimeField(verbose_name='at')),
                ('remote_address', models.CharField(blank=True, max_length=64, verbose_name='remote address')),
                ('size', models.PositiveBigIntegerField(blank=True, null=True, verbose_name='size in bytes')),
            ],
            options={
                'verbose_name': 'refusal',
                'verbose_name_plural': 'refusals',
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='Job',
            fields=[
                ('id', models.UUIDField(default=billing_webhooks.models.inbox.time_ordered_uuid, editable=False, primary_key=True, serialize=False, verbose_name='id')),
                ('action', billing_webhooks.models.fields.ExactCharField(max_length=32, verbose_name='action')),
                ('arguments', models.JSONField(blank=True, default=dict, verbose_name='arguments')),
                ('keys', models.JSONField(blank=True, default=list, verbose_name='keys')),
                ('total', models.PositiveIntegerField(verbose_name='total')),
                ('done', models.PositiveIntegerField(default=0, verbose_name='done')),
                ('attempts', models.PositiveIntegerField(default=0, verbose_name='attempts')),
                ('state', models.CharField(choices=[('open', 'under way'), ('done', 'done'), ('failed', 'failed')], default='open', max_length=16, verbose_name='state')),
                ('result', models.JSONField(blank=True, default=dict, verbose_name='result')),
                ('last_error', models.TextField(blank=True, verbose_name='last error')),
                ('asked_by', models.CharField(blank=True, max_length=255, verbose_name='asked by')),
                ('asked_by_key', billing_webhooks.models.fields.ExactCharField(blank=True, max_length=255, verbose_name='asked by (key)')),
                ('asked_at', models.DateTimeField(auto_now_add=True, verbose_name='asked at')),
                ('finished_at', models.DateTimeField(blank=True, null=True, verbose_name='finished at')),
            ],
            options={
                'verbose_name': 'job',
                'verbose_name_plural': 'jobs',
                'ordering': ['-id'],
                'indexes': [billing_webhooks.models.indexes.PartialIndex(column='state', fields=['id'], name='billing_job_open', where=models.Q(('state', 'open')))],
            },
        ),
        migrations.CreateModel(
            name='Plan',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('provider', billing_webhooks.models.fields.ExactCharField(max_length=64, verbose_name='provider')),
                ('registers', models.JSONField(blank=True, default=dict, editable=False, verbose_name='registers')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created at')),
                ('updated_at', models.DateTimeField(auto_now=True, verbose_name='updated at')),
                ('external_id', billing_webhooks.models.fields.ExactCharField(blank=True, max_length=255, verbose_name="provider's id")),
                ('code', billing_webhooks.models.fields.ExactCharField(blank=True, max_length=255, verbose_name='code')),
                ('name', models.CharField(blank=True, max_length=255, verbose_name='name')),
                ('has_trial', models.BooleanField(blank=True, null=True, verbose_name='has trial')),
                ('trial_days', models.PositiveIntegerField(blank=True, null=True, verbose_name='trial days')),
                ('standalone_trial', models.BooleanField(blank=True, null=True, verbose_name='standalone trial')),
                ('is_deleted', models.BooleanField(default=False, verbose_name='deleted')),
            ],
            options={
                'verbose_name': 'plan',
                'verbose_name_plural': 'plans',
                'indexes': [models.Index(fields=['code', 'provider'], name='billing_plan_code'), models.Index(fields=['external_id', 'provider'], name='billing_plan_external')],
            },
        ),
        migrations.CreateModel(
            name='Customer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('provider', billing_webhooks.models.fields.ExactCharField(max_length=64, verbose_name='provider')),
                ('registers', models.JSONField(blank=True, default=dict, editable=False, verbose_name='registers')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created at')),
                ('updated_at', models.DateTimeField(auto_now=True, verbose_name='updated at')),
                ('external_id', billing_webhooks.models.fields.ExactCharField(blank=True, max_length=255, verbose_name="provider's id")),
                ('kind', models.CharField(choices=[('person', 'person'), ('organization', 'organization'), ('unknown', 'unknown')], default='unknown', max_length=16, verbose_name='kind')),
                ('email', billing_webhooks.models.fields.ExactCharField(blank=True, max_length=255, verbose_name='e-mail')),
                ('organization_code', billing_webhooks.models.fields.ExactCharField(blank=True, max_length=255, verbose_name='organisation code')),
                ('user_external_id', billing_webhooks.models.fields.ExactCharField(blank=True, max_length=255, verbose_name="provider's user id")),
                ('brand', models.CharField(blank=True, max_length=255, verbose_name='brand')),
                ('is_disabled', models.BooleanField(default=False, verbose_name='disabled')),
                ('collection', models.CharField(blank=True, choices=[('paid', 'paid'), ('failed', 'failed'), ('overdue', 'overdue')], default='', max_length=16, verbose_name='collection')),
                ('agreement_cancelled_at', models.DateTimeField(blank=True, null=True, verbose_name='agreement cancelled at')),
                ('in_arrears_since', models.DateTimeField(blank=True, null=True, verbose_name='in arrears since')),
                ('plan_ended_at', models.DateTimeField(blank=True, null=True, verbose_name='plan ended at')),
                ('plan_by_agreement', models.BooleanField(default=False, verbose_name='plan by an agreement')),
                ('plan', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='customers', to='billing_webhooks.plan', verbose_name='plan')),
            ],
            options={
                'verbose_name': 'customer',
                'verbose_name_plural': 'customers',
                'permissions': [('link_customer', 'Can link customers to users'), ('erase_customer', 'Can erase customers')],
            },
        ),
        migrations.CreateModel(
            name='PlanIdentity',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('provider', billing_webhooks.models.fields.ExactCharField(max_length=64, verbose_name='provider')),
                ('kind', models.CharField(max_length=16, verbose_name='kind')),
                ('value', billing_webhooks.models.fields.ExactCharField(max_length=255, verbose_name='value')),
                ('row', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='identities', to='billing_webhooks.plan', verbose_name='plan')),
            ],
            options={
                'verbose_name': 'plan identity',
                'verbose_name_plural': 'plan identities',
            },
        ),
        migrations.CreateModel(
            name='RefusalCount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('provider', billing_webhooks.models.fields.ExactCharField(max_length=64, verbose_name='provider')),
                ('reason', billing_webhooks.models.fields.ExactCharField(max_length=64, verbose_name='reason')),
                ('day', models.DateField(verbose_name='day')),
                ('count', models.PositiveBigIntegerField(default=0, verbose_name='count')),
                ('last_at', models.DateTimeField(verbose_name='last at')),
            ],
            options={
                'verbose_name': 'refusal count',
                'verbose_name_plural': 'refusal counts',
                'ordering': ['-day', 'provider', 'reason'],
                'constraints': [models.UniqueConstraint(fields=('day', 'provider', 'reason'), name='billing_refusal_count_unique')],
            },
        ),
        migrations.CreateModel(
            name='Subscription',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('provider', billing_webhooks.models.fields.ExactCharField(max_length=64, verbose_name='provider')),
                ('registers', models.JSONField(blank=True, default=dict, editable=False, verbose_name='registers')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created at')),
                ('updated_at', models.DateTimeField(auto_now=True, verbose_name='updated at')),
                ('external_id', billing_webhooks.models.fields.ExactCharField(max_length=255, verbose_name="provider's id")),
                ('plan_name', models.CharField(blank=True, max_length=255, verbose_name='plan name')),
                ('status', models.CharField(choices=[('trialing', 'trialing'), ('active', 'active'), ('past_due', 'past due'), ('unpaid', 'unpaid'), ('paused', 'paused'), ('cancelling', 'cancelling'), ('cancelled', 'cancelled'), ('unknown', 'unknown')], default='unknown', max_length=16, verbose_name='status')),
                ('provider_status', models.CharField(blank=True, max_length=255, verbose_name="provider's status")),
                ('counts_as_active', models.BooleanField(blank=True, null=True, verbose_name='active for the provider')),
                ('in_arrears_since', models.DateTimeField(blank=True, null=True, verbose_name='in arrears since')),
                ('started_at', models.DateTimeField(blank=True, null=True, verbose_name='started at')),
                ('current_period_end', models.DateTimeField(blank=True, null=True, verbose_name='current period end')),
                ('cancelled_at', models.DateTimeField(blank=True, null=True, verbose_name='cancelled at')),
                ('trial_started_at', models.DateTimeField(blank=True, null=True, verbose_name='trial started at')),
                ('trial_ended_at', models.DateTimeField(blank=True, null=True, verbose_name='trial ended at')),
                ('customer', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='subscriptions', to='billing_webhooks.customer', verbose_name='customer')),
                ('plan', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='subscriptions', to='billing_webhooks.plan', verbose_name='plan')),
            ],
            options={
                'verbose_name': 'subscription',
                'verbose_name_plural': 'subscriptions',
            },
        ),
        migrations.CreateModel(
            name='Payment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('provider', billing_webhooks.models.fields.ExactCharField(max_length=64, verbose_name='provider')),
                ('registers', models.JSONField(blank=True, default=dict, editable=False, verbose_name='registers')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created at')),
                ('updated_at', models.DateTimeField(auto_now=True, verbose_name='updated at')),
                ('identity', billing_webhooks.models.fields.ExactCharField(editable=False, max_length=300, verbose_name='identity')),
                ('occurred_at', models.DateTimeField(verbose_name='occurred at')),
                ('external_id', billing_webhooks.models.fields.ExactCharField(blank=True, max_length=255, verbose_name="provider's id")),
                ('amount', models.DecimalField(blank=True, decimal_places=6, max_digits=24, null=True, verbose_name='amount')),
                ('amount_unit', models.CharField(choices=[('minor', 'minor units'), ('major', 'major units'), ('unknown', 'unknown unit')], default='unknown', max_length=16, verbose_name='unit of the amount')),
                ('currency', models.CharField(blank=True, max_length=16, null=True, verbose_name='currency')),
                ('status', models.CharField(choices=[('succeeded', 'succeeded'), ('failed', 'failed')], max_length=16, verbose_name='status')),
                ('customer', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, to='billing_webhooks.customer', verbose_name='customer')),
                ('subscription', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to='billing_webhooks.subscription', verbose_name='subscription')),
            ],
            options={
                'verbose_name': 'payment',
                'verbose_name_plural': 'payments',
                'abstract': False,
                'default_related_name': '%(class)ss',
            },
        ),
        migrations.CreateModel(
            name='Invoice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('provider', billing_webhooks.models.fields.ExactCharField(max_length=64, verbose_name='provider')),
                ('registers', models.JSONField(blank=True, default=dict, editable=False, verbose_name='registers')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created at')),
                ('updated_at', models.DateTimeField(auto_now=True, verbose_name='updated at')),
                ('identity', billing_webhooks.models.fields.ExactCharField(editable=False, max_length=300, verbose_name='identity')),
                ('occurred_at', models.DateTimeField(verbose_name='occurred at')),
                ('external_id', billing_webhooks.models.fields.ExactCharField(blank=True, max_length=255, verbose_name="provider's id")),
                ('amount', models.DecimalField(blank=True, decimal_places=6, max_digits=24, null=True, verbose_name='amount')),
                ('amount_unit', models.CharField(choices=[('minor', 'minor units'), ('major', 'major units'), ('unknown', 'unknown unit')], default='unknown', max_length=16, verbose_name='unit of the amount')),
                ('currency', models.CharField(blank=True, max_length=16, null=True, verbose_name='currency')),
                ('status', models.CharField(choices=[('overdue', 'overdue'), ('paid', 'paid')], max_length=16, verbose_name='status')),
                ('due_at', models.DateTimeField(blank=True, null=True, verbose_name='due at')),
                ('customer', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, to='billing_webhooks.customer', verbose_name='customer')),
                ('subscription', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to='billing_webhooks.subscription', verbose_name='subscription')),
            ],
            options={
                'verbose_name': 'invoice',
                'verbose_name_plural': 'invoices',
                'abstract': False,
                'default_related_name': '%(class)ss',
            },
        ),
        migrations.CreateModel(
            name='UsageRecord',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('provider', billing_webhooks.models.fields.ExactCharField(max_length=64, verbose_name='provider')),
                ('registers', models.JSONField(blank=True, default=dict, editable=False, verbose_name='registers')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created at')),
                ('updated_at', models.DateTimeField(auto_now=True, verbose_name='updated at')),
                ('identity', billing_webhooks.models.fields.ExactCharField(editable=False, max_length=300, verbose_name='identity')),
                ('occurred_at', models.DateTimeField(verbose_name='occurred at')),
                ('meter', billing_webhooks.models.fields.ExactCharField(blank=True, max_length=255, verbose_name='meter')),
                ('quantity', models.DecimalField(blank=True, decimal_places=6, max_digits=24, null=True, verbose_name='quantity')),
                ('customer', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, to='billing_webhooks.customer', verbose_name='customer')),
                ('subscription', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to='billing_webhooks.subscription', verbose_name='subscription')),
            ],
            options={
                'verbose_name': 'usage record',
                'verbose_name_plural': 'usage records',
                'abstract': False,
                'default_related_name': 'usage_records',
            },
        ),
        migrations.CreateModel(
            name='WebhookEvent',
            fields=[
                ('id', models.UUIDField(default=billing_webhooks.models.inbox.time_ordered_uuid, editable=False, primary_key=True, serialize=False, verbose_name='id')),
                ('provider', billing_webhooks.models.fields.ExactCharField(max_length=64, verbose_name='provider')),
                ('event_type', models.CharField(blank=True, max_length=100, verbose_name='event type')),
                ('external_id', billing_webhooks.models.fields.ExactCharField(blank=True, max_length=255, verbose_name="provider's id")),
                ('idempotency_key', models.CharField(editable=False, max_length=64, null=True, verbose_name='idempotency key')),
                ('sequence', billing_webhooks.models.fields.ExactCharField(editable=False, max_length=255, verbose_name='sequence')),
                ('mailbox', billing_webhooks.models.fields.ExactCharField(max_length=200, verbose_name='mailbox')),
                ('occurred_at', models.DateTimeField(verbose_name='occurred at')),
                ('received_at', models.DateTimeField(verbose_name='received at')),
                ('body', billing_webhooks.models.fields.BodyField(verbose_name='body')),
                ('confirmation', billing_webhooks.models.fields.BodyField(blank=True, default=b'', verbose_name='confirmation')),
                ('content_digest', models.CharField(blank=True, editable=False, max_length=64, verbose_name='digest of the content')),
                ('traceparent', models.CharField(blank=True, editable=False, max_length=55, verbose_name='traceparent')),
                ('headers', models.JSONField(blank=True, default=dict, verbose_name='headers')),
                ('trust', models.CharField(choices=[('signed', 'signed'), ('secret', 'secret in the URL'), ('confirmed', "confirmed by the provider's API")], max_length=16, verbose_name='trust')),
                ('deliveries', models.PositiveIntegerField(default=1, verbose_name='deliveries')),
                ('state', models.CharField(choices=[('pending', 'pending'), ('processed', 'processed'), ('dead', 'dead'), ('quarantined', 'quarantined')], default='pending', max_length=16, verbose_name='state')),
                ('outcome', models.CharField(blank=True, choices=[('', 'not yet'), ('applied', 'applied'), ('superseded', 'superseded by newer news'), ('no_effect', 'no effect'), ('unhandled', 'unhandled type')], max_length=16, verbose_name='outcome')),
                ('attempts', models.PositiveIntegerField(default=0, verbose_name='attempts')),
                ('next_attempt_at', models.DateTimeField(blank=True, null=True, verbose_name='next attempt at')),
                ('attempt_began_at', models.DateTimeField(blank=True, null=True, verbose_name='attempt began at')),
                ('replays', models.PositiveIntegerField(default=0, verbose_name='replays')),
                ('only_receiver', billing_webhooks.models.fields.ExactCharField(blank=True, max_length=255, verbose_name='only receiver')),
                ('last_error', models.TextField(blank=True, verbose_name='last error')),
                ('applied_at', models.DateTimeField(blank=True, null=True, verbose_name='applied at')),
                ('processed_at', models.DateTimeField(blank=True, null=True, verbose_name='processed at')),
                ('pruned_at', models.DateTimeField(blank=True, null=True, verbose_name='pruned at')),
                ('changes', models.JSONField(blank=True, default=list, encoder=billing_webhooks.models.fields.ExactEncoder, verbose_name='changes')),
                ('customer', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='events', to='billing_webhooks.customer', verbose_name='customer')),
            ],
            options={
                'verbose_name': 'webhook event',
                'verbose_name_plural': 'webhook events',
                'ordering': ['-received_at', '-id'],
                'permissions': [('view_payload', 'Can view the payloads of webhook events'), ('preview_webhookevent', 'Can preview what a replay of webhook events would do'), ('replay_webhookevent', 'Can replay webhook events'), ('replay_receiver', 'Can replay webhook events for one receiver alone'), ('retry_webhookevent', 'Can let pending webhook events be tried at once'), ('give_up_webhookevent', 'Can give up pending webhook events'), ('release_webhookevent', 'Can release webhook events from quarantine'), ('export_rows', 'Can export rows as CSV and JSON')],
            },
        ),
        migrations.CreateModel(
            name='ReceiverRun',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('signal', billing_webhooks.models.fields.ExactCharField(max_length=100, verbose_name='signal')),
                ('subject', billing_webhooks.models.fields.ExactCharField(blank=True, max_length=64, verbose_name='subject')),
                ('receiver', billing_webhooks.models.fields.ExactCharField(max_length=255, verbose_name='receiver')),
                ('state', models.CharField(choices=[('started', 'started'), ('succeeded', 'succeeded'), ('failed', 'failed'), ('given_up', 'given up')], default='started', max_length=16, verbose_name='state')),
                ('attempts', models.PositiveIntegerField(default=0, verbose_name='attempts')),
                ('duration', models.DurationField(blank=True, null=True, verbose_name='duration')),
                ('last_error', models.TextField(blank=True, verbose_name='last error')),
                ('updated_at', models.DateTimeField(auto_now=True, verbose_name='updated at')),
                ('event', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='runs', to='billing_webhooks.webhookevent', verbose_name='event')),
            ],
            options={
                'verbose_name': 'receiver run',
                'verbose_name_plural': 'receiver runs',
                'ordering': ['event', 'id'],
            },
        ),
        migrations.CreateModel(
            name='ConflictingDelivery',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('received_at', models.DateTimeField(verbose_name='received at')),
                ('body', billing_webhooks.models.fields.BodyField(verbose_name='body')),
                ('content_digest', models.CharField(editable=False, max_length=64, verbose_name='digest of the content')),
                ('event', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='conflicts', to='billing_webhooks.webhookevent', verbose_name='event')),
            ],
            options={
                'verbose_name': 'conflicting delivery',
                'verbose_name_plural': 'conflicting deliveries',
                'ordering': ['event', 'id'],
            },
        ),
        migrations.CreateModel(
            name='CustomerIdentity',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('provider', billing_webhooks.models.fields.ExactCharField(max_length=64, verbose_name='provider')),
                ('kind', models.CharField(max_length=16, verbose_name='kind')),
                ('value', billing_webhooks.models.fields.ExactCharField(max_length=255, verbose_name='value')),
                ('row', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='identities', to='billing_webhooks.customer', verbose_name='customer')),
            ],
            options={
                'verbose_name': 'customer identity',
                'verbose_name_plural': 'customer identities',
                'constraints': [models.UniqueConstraint(fields=('value', 'kind', 'provider'), name='billing_customer_identity_unique')],
            },
        ),
        migrations.CreateModel(
            name='CustomerLink',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('resolver', models.CharField(blank=True, max_length=255, verbose_name='resolver')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created at')),
                ('customer', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='links', to='billing_webhooks.customer', verbose_name='customer')),
                ('user', models.ForeignKey(db_constraint=False, on_delete=billing_webhooks.models.customers.with_the_user, related_name='billing_links', to=settings.AUTH_USER_MODEL, verbose_name='user')),
            ],
            options={
                'verbose_name': 'link to a user',
                'verbose_name_plural': 'links to users',
                'constraints': [models.UniqueConstraint(fields=('customer', 'user'), name='billing_link_unique')],
            },
        ),
        migrations.AddIndex(
            model_name='customer',
            index=models.Index(fields=['external_id', 'provider'], name='billing_customer_external'),
        ),
        migrations.AddIndex(
            model_name='customer',
            index=models.Index(fields=['email', 'id'], name='billing_customer_email'),
        ),
        migrations.AddIndex(
            model_name='customer',
            index=models.Index(fields=['provider', '-id'], name='billing_customer_provider'),
        ),
        migrations.AddIndex(
            model_name='customer',
            index=models.Index(fields=['updated_at', 'id'], name='billing_customer_updated'),
        ),
        migrations.AddConstraint(
            model_name='planidentity',
            constraint=models.UniqueConstraint(fields=('value', 'kind', 'provider'), name='billing_plan_identity_unique'),
        ),
        migrations.AddIndex(
            model_name='subscription',
            index=models.Index(fields=['provider', '-id'], name='billing_subscription_provider'),
        ),
        migrations.AddIndex(
            model_name='subscription',
            index=models.Index(fields=['status', '-id'], name='billing_subscription_status'),
        ),
        migrations.AddIndex(
            model_name='subscription',
            index=models.Index(fields=['current_period_end', 'id'], name='billing_subscription_ends'),
        ),
        migrations.AddIndex(
            model_name='subscription',
            index=models.Index(fields=['updated_at', 'id'], name='billing_subscription_updated'),
        ),
        migrations.AddConstraint(
            model_name='subscription',
            constraint=models.UniqueConstraint(fields=('external_id', 'provider'), name='billing_subscription_unique'),
        ),
        migrations.AddIndex(
            model_name='payment',
            index=models.Index(fields=['provider', '-id'], name='billing_payment_provider'),
        ),
        migrations.AddIndex(
            model_name='payment',
            index=models.Index(fields=['status', '-id'], name='billing_payment_status'),
        ),
        migrations.AddIndex(
            model_name='payment',
            index=models.Index(fields=['updated_at', 'id'], name='billing_payment_updated'),
        ),
        migrations.AddConstraint(
            model_name='payment',
            constraint=models.UniqueConstraint(fields=('identity', 'provider'), name='billing_payment_unique'),
        ),
        migrations.AddIndex(
            model_name='invoice',
            index=models.Index(fields=['provider', '-id'], name='billing_invoice_provider'),
        ),
        migrations.AddIndex(
            model_name='invoice',
            index=models.Index(fields=['status', '-id'], name='billing_invoice_status'),
        ),
        migrations.AddIndex(
            model_name='invoice',
            index=models.Index(fields=['due_at', 'id'], name='billing_invoice_due'),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.UniqueConstraint(fields=('identity', 'provider'), name='billing_invoice_unique'),
        ),
        migrations.AddIndex(
            model_name='usagerecord',
            index=models.Index(fields=['customer', 'meter', 'occurred_at'], name='billing_usage_series'),
        ),
        migrations.AddIndex(
            model_name='usagerecord',
            index=models.Index(fields=['provider', '-id'], name='billing_usage_provider'),
        ),
        migrations.AddIndex(
            model_name='usagerecord',
            index=models.Index(fields=['updated_at', 'id'], name='billing_usage_updated'),
        ),
        migrations.AddConstraint(
            model_name='usagerecord',
            constraint=models.UniqueConstraint(fields=('identity', 'provider'), name='billing_usagerecord_unique'),
        ),
        migrations.AddIndex(
            model_name='webhookevent',
            index=models.Index(fields=['-received_at', '-id'], name='billing_event_received'),
        ),
        migrations.AddIndex(
            model_name='webhookevent',
            index=models.Index(fields=['provider', '-received_at', '-id', 'state', 'outcome'], name='billing_event_of_provider'),
        ),
        migrations.AddIndex(
            model_name='webhookevent',
            index=models.Index(fields=['event_type', '-received_at', '-id'], name='billing_event_of_type'),
        ),
        migrations.AddIndex(
            model_name='webhookevent',
            index=models.Index(fields=['external_id', 'provider'], name='billing_event_external_id'),
        ),
        migrations.AddIndex(
            model_name='webhookevent',
            index=billing_webhooks.models.indexes.PartialIndex(column='customer', fields=['customer', '-received_at', '-id'], name='billing_event_of_customer', where=models.Q(('customer__isnull', False))),
        ),
        migrations.AddIndex(
            model_name='webhookevent',
            index=billing_webhooks.models.indexes.PartialIndex(column='state', fields=['-received_at', '-id', 'state'], name='billing_event_unprocessed', where=models.Q(('state', 'processed'), _negated=True)),
        ),
        migrations.AddIndex(
            model_name='webhookevent',
            index=billing_webhooks.models.indexes.PartialIndex(column='state', fields=['mailbox', 'occurred_at', 'sequence'], name='billing_event_pending', where=models.Q(('state', 'pending'))),
        ),
        migrations.AddIndex(
            model_name='webhookevent',
            index=billing_webhooks.models.indexes.PartialIndex(column='state', fields=['next_attempt_at', 'id'], name='billing_event_due', where=models.Q(('state', 'pending'))),
        ),
        migrations.AddIndex(
            model_name='webhookevent',
            index=billing_webhooks.models.indexes.PartialIndex(column='pruned_at', fields=['received_at'], name='billing_event_prunable', where=models.Q(('pruned_at', None), ('state', 'processed'))),
        ),
        migrations.AddConstraint(
            model_name='webhookevent',
            constraint=models.UniqueConstraint(fields=('idempotency_key',), name='billing_event_unique'),
        ),
        migrations.AddIndex(
            model_name='receiverrun',
            index=billing_webhooks.models.indexes.PartialIndex(column='state', fields=['-updated_at', '-id', 'state'], name='billing_run_unsucceeded', where=models.Q(('state', 'succeeded'), _negated=True)),
        ),
        migrations.AddConstraint(
            model_name='receiverrun',
            constraint=models.UniqueConstraint(fields=('event', 'signal', 'subject', 'receiver'), name='billing_run_unique'),
        ),
        migrations.AddConstraint(
            model_name='conflictingdelivery',
            constraint=models.UniqueConstraint(fields=('event', 'content_digest'), name='billing_conflict_unique'),
        ),
        billing_webhooks.models.storage.SetStorage(
            'webhookevent',
            parameters=['autovacuum_vacuum_scale_factor=0.02', 'autovacuum_vacuum_insert_scale_factor=0.02', 'autovacuum_analyze_scale_factor=0.02'],
            uncompressed=['body', 'confirmation'],
        ),
        billing_webhooks.models.storage.SetStorage(
            'conflictingdelivery',
            parameters=['autovacuum_vacuum_scale_factor=0.02', 'autovacuum_vacuum_insert_scale_factor=0.02', 'autovacuum_analyze_scale_factor=0.02'],
            uncompressed=['body'],
        ),
        billing_webhooks.models.storage.SetStorage(
            'receiverrun',
            parameters=['autovacuum_vacuum_scale_factor=0.02', 'autovacuum_vacuum_insert_scale_factor=0.02', 'autovacuum_analyze_scale_factor=0.02'],
        ),
    ]
