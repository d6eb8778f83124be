import django.db.models.deletion
import uuid
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('relay', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Delegation',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('user_id', models.CharField(max_length=128)),
                ('network', models.CharField(choices=[('testnet', 'testnet'), ('mainnet', 'mainnet')], max_length=10)),
                ('safe_address', models.CharField(max_length=42)),
                ('delegate_address', models.CharField(max_length=42)),
                ('trading_contract', models.CharField(max_length=42)),
                ('status', models.CharField(choices=[('PENDING', 'Pending'), ('ACTIVE', 'Active'), ('REVOKED', 'Revoked'), ('FAILED', 'Failed')], default='PENDING', max_length=10)),
                ('suspended', models.BooleanField(default=False)),
                ('approval_tx_hash', models.CharField(blank=True, max_length=66)),
                ('revoke_tx_hash', models.CharField(blank=True, max_length=66)),
                ('last_error', models.CharField(blank=True, help_text='A stable token, never upstream text.', max_length=80)),
                ('chain_block', models.BigIntegerField(help_text='Block of the chain read that decided the status; an older read changes nothing.', null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
            ],
            options={
                'db_table': 'ostium_delegations',
            },
        ),
        migrations.CreateModel(
            name='SafeTransaction',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('network', models.CharField(choices=[('testnet', 'testnet'), ('mainnet', 'mainnet')], max_length=10)),
                ('kind', models.CharField(choices=[('approve', 'Approve'), ('revoke', 'Revoke')], max_length=10)),
                ('safe_tx_hash', models.CharField(max_length=66)),
                ('safe_tx_data', models.JSONField(help_text='Every field of the SafeTx as the API gives it.')),
                ('nonce', models.BigIntegerField(help_text="The Safe's own nonce.")),
                ('safe_version', models.CharField(max_length=10)),
                ('owners', models.JSONField()),
                ('threshold', models.IntegerField()),
                ('allowance', models.BigIntegerField(help_text='USDC x 1e6 approved with it; empty for none.', null=True)),
                ('state', models.CharField(choices=[('prepared', 'Prepared'), ('submitted', 'Submitted'), ('executed', 'Executed'), ('failed', 'Failed'), ('stale', 'Stale')], default='prepared', max_length=10)),
                ('submitted_by', models.CharField(blank=True, choices=[('relay', 'Relay'), ('client', 'Client')], max_length=10)),
                ('last_error', models.CharField(blank=True, help_text='A stable token, never upstream text.', max_length=80)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('delegation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='safe_transactions', to='delegations.delegation')),
                ('outbound', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='relay.outboundtransaction')),
            ],
        ),
        migrations.CreateModel(
            name='DelegationEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(auto_now_add=True)),
                ('what', models.CharField(max_length=40)),
                ('actor', models.CharField(help_text='Who asked: user and request, the worker, or a command.', max_length=300)),
                ('evidence', models.JSONField(default=dict)),
                ('delegation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='events', to='delegations.delegation')),
                ('safe_transaction', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='events', to='delegations.safetransaction')),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.AddField(
            model_name='delegation',
            name='approval',
            field=models.ForeignKey(help_text='The approval that made the row ACTIVE; until then the one prepared last.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='delegations.safetransaction'),
        ),
        migrations.AddIndex(
            model_name='safetransaction',
            index=models.Index(condition=models.Q(('state', 'submitted')), fields=['updated_at'], name='safe_transaction_unfinished'),
        ),
        migrations.AddConstraint(
            model_name='safetransaction',
            constraint=models.UniqueConstraint(fields=('delegation', 'safe_tx_hash'), name='one_row_per_safe_transaction'),
        ),
        migrations.AddConstraint(
            model_name='safetransaction',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'submitted'), ('submitted_by', 'relay')), fields=('network', 'safe_tx_hash'), name='one_relay_per_safe_transaction'),
        ),
        migrations.AddConstraint(
            model_name='safetransaction',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['prepared', 'submitted', 'executed', 'failed', 'stale'])), name='safe_transaction_state_known'),
        ),
        migrations.AddIndex(
            model_name='delegation',
            index=models.Index(fields=['network', 'safe_address'], name='delegation_by_safe'),
        ),
        migrations.AddIndex(
            model_name='delegation',
            index=models.Index(fields=['user_id', 'network'], name='delegation_by_user'),
        ),
        migrations.AddIndex(
            model_name='delegation',
            index=models.Index(fields=['network', 'delegate_address', 'status'], name='delegation_by_delegate'),
        ),
        migrations.AddConstraint(
            model_name='delegation',
            constraint=models.UniqueConstraint(condition=models.Q(('status', 'ACTIVE')), fields=('network', 'safe_address'), name='one_active_delegation_per_safe'),
        ),
        migrations.AddConstraint(
            model_name='delegation',
            constraint=models.UniqueConstraint(condition=models.Q(('status__in', ['PENDING', 'ACTIVE'])), fields=('user_id', 'network', 'safe_address', 'delegate_address'), name='one_live_delegation_per_wish'),
        ),
        migrations.AddConstraint(
            model_name='delegation',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['PENDING', 'ACTIVE', 'REVOKED', 'FAILED'])), name='delegation_status_known'),
        ),
    ]
